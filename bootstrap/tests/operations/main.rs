//! The program as operators run it: told to stop while it is asked, watched by a collector of traces, trusted with secrets, and
//! split into several processes.

#![expect(clippy::expect_used, clippy::panic, reason = "a program that goes wrong fails the test")]

mod apart;
mod canary;
mod collector;
mod deploy;
mod program;
mod traces;
