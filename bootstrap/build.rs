//! How the program is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The program is loaded anywhere in memory, so every pointer in its tables is put right at the start: each of them takes 24
    // bytes in the file, or a bit of a map. Loaders know such maps since glibc 2.36, and an older one says so.
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
