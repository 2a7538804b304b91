//! The program as operators run it: told to stop while it is asked, watched by a collector of traces, and trusted with secrets.

#![expect(clippy::expect_used, clippy::panic, reason = "a program that goes wrong fails the test")]

mod canary;
mod collector;
mod deploy;
mod program;
mod traces;
