//! The program as operators run it: told to stop while it is asked, and watched by a collector of traces.

#![expect(clippy::expect_used, clippy::panic, reason = "a program that goes wrong fails the test")]

mod collector;
mod deploy;
mod program;
mod traces;
