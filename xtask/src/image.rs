//! `cargo xtask image`: the product as a container image of its binary, the libraries that this is linked to, and nothing else.
//!
//! Everything comes from the machine that builds, so that no registry is needed, and the libraries are those that were linked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::docker::Docker;
use crate::process::{command, output, run};

const DOCKERFILE: &str = "deploy/Dockerfile";
const BINARY: &str = "usr/local/bin/majestic";

/// Whom TLS believes: rustls looks here.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// How glibc finds hosts. Both ways are in libc itself since 2.34, there is no library to load.
const NAME_SERVICES: &str = "hosts: files dns\n";

/// What a release may weigh: every machine that starts it pulls it. It has 36.2 MB, and 16.2 compressed.
const MOST_BYTES: u64 = 40 * 1_000_000;

/// What to make an image of.
#[derive(clap::Args)]
pub(crate) struct Image {
    /// `release` is what to deploy; `dev` is what the tests start.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
}

/// How the binary is compiled.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    fn tag(self) -> &'static str {
        match self {
            Self::Dev => "majestic-monolith:dev",
            Self::Release => "majestic-monolith:latest",
        }
    }

    /// Compiles the binary, and says where it is.
    fn binary(self, target: &Path) -> Result<PathBuf, String> {
        match self {
            // As the tests are built: whoever runs them next has nothing to wait for.
            Self::Dev => run(command("cargo", &["test", "--workspace", "--no-run"]))?,
            Self::Release => run(command("cargo", &["build", "--release", "--locked", "--package", "bootstrap"]))?,
        }
        let folder = if self == Self::Dev { "debug" } else { "release" };
        Ok(target.join(folder).join("majestic"))
    }
}

/// `cargo xtask image`
pub(crate) fn image(image: &Image) -> Result<(), String> {
    Docker::find()?;
    build(image.profile).map(drop)
}

/// Makes the image, and gives its name.
pub(crate) fn build(profile: Profile) -> Result<String, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let binary = profile.binary(&target)?;
    let context = target.join("image");
    stage(&binary, &context)?;

    let revision = output(command("git", &["rev-parse", "HEAD"])).unwrap_or_default();
    let mut build = command("docker", &["build", "--quiet", "--file", DOCKERFILE, "--tag", profile.tag()]);
    build.arg("--build-arg").arg(concat!("VERSION=", env!("CARGO_PKG_VERSION")));
    build.arg("--build-arg").arg(format!("REVISION={}", revision.trim()));
    run({
        build.arg(&context);
        build
    })?;

    let bytes = output(command("docker", &["image", "inspect", "--format", "{{.Size}}", profile.tag()]))?;
    let bytes: u64 = bytes.trim().parse().map_err(|why| format!("docker tells no size: {why}"))?;
    println!("{}: {}.{} MB", profile.tag(), bytes / 1_000_000, bytes / 100_000 % 10);
    if profile == Profile::Release && bytes > MOST_BYTES {
        return Err(format!("the image is larger than {} MB", MOST_BYTES / 1_000_000));
    }
    Ok(profile.tag().to_owned())
}

/// Lays out what the image consists of, anew.
fn stage(binary: &Path, context: &Path) -> Result<(), String> {
    let cannot = |why: std::io::Error| format!("{} cannot be laid out: {why}", context.display());
    if context.exists() {
        fs::remove_dir_all(context).map_err(cannot)?;
    }
    let (root, data) = (context.join("rootfs"), context.join("data"));
    for folder in [&root, &data] {
        fs::create_dir_all(folder).map_err(cannot)?;
    }

    put(binary, &root.join(BINARY), 0o755)?;
    run(command("strip", &[&root.join(BINARY).to_string_lossy()]))?;
    for library in libraries(&output(command("ldd", &[&binary.to_string_lossy()]))?)? {
        put(&library, &root.join(library.strip_prefix("/").unwrap_or(&library)), 0o755)?;
    }
    put(Path::new(CERTIFICATES), &root.join(CERTIFICATES.trim_start_matches('/')), 0o644)?;
    fs::write(root.join("etc/nsswitch.conf"), NAME_SERVICES).map_err(cannot)
}

fn put(from: &Path, to: &Path, mode: u32) -> Result<(), String> {
    let folder = to.parent().map_or(Ok(()), fs::create_dir_all);
    let copied = folder.and_then(|()| fs::copy(from, to));
    let copied = copied.and_then(|_| fs::set_permissions(to, fs::Permissions::from_mode(mode)));
    copied.map_err(|why| format!("{} cannot be copied to {}: {why}", from.display(), to.display()))
}

/// The files that `ldd` names, the loader too; `linux-vdso.so.1` is the kernel's, and no file.
fn libraries(told: &str) -> Result<Vec<PathBuf>, String> {
    if let Some(missing) = told.lines().find(|it| it.contains("not found")) {
        return Err(format!("a library is missing: {}", missing.trim()));
    }
    let paths = told.lines().filter_map(|line| line.split_whitespace().find(|it| it.starts_with('/')));
    let found: Vec<_> = paths.map(PathBuf::from).collect();
    if found.is_empty() { Err("ldd names no library".into()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::libraries;

    #[test]
    fn the_libraries_are_the_files_that_ldd_names() {
        let told = "\tlinux-vdso.so.1 (0x00007f26a5157000)\n\
            \tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f26a0120000)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f26a5159000)\n";
        let found = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(libraries(told), Ok(found.to_vec()));
    }

    #[test]
    fn an_image_without_a_library_is_not_made() {
        assert!(libraries("\tlibz.so.1 => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x1)\n").is_err());
        assert!(libraries("\tstatically linked\n").is_err());
    }
}
