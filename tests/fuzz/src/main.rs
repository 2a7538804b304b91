//! One target, chosen by `FUZZ_TARGET`: in the hands of libFuzzer, or of whoever wants to see again what it found.
//!
//! Only `cargo xtask fuzz` builds it with `--cfg fuzzing`. Built like anything else it takes files instead:
//! `FUZZ_TARGET=cursors cargo run --package fuzz target/fuzzing/cursors/crash-…`.

#![cfg_attr(fuzzing, no_main)]
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a tool for developers, which reads its environment"
)]

use fuzz::{TARGETS, Target};

/// The environment and not an argument: the arguments are libFuzzer's.
fn chosen() -> &'static Target {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    TARGETS.iter().find(|it| it.name == name).expect("there is a target of this name")
}

#[cfg(fuzzing)]
mod fuzzed {
    //! What libFuzzer calls.

    use std::sync::LazyLock;

    static CHOSEN: LazyLock<&fuzz::Target> = LazyLock::new(super::chosen);

    libfuzzer_sys::fuzz_target!(|input: &[u8]| (CHOSEN.take)(input));
}

#[cfg(not(fuzzing))]
fn main() {
    let target = chosen();
    for path in std::env::args_os().skip(1) {
        (target.take)(&std::fs::read(path).expect("a file"));
    }
}
