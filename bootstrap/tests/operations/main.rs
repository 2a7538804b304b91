//! The program as operators run it: told to stop while it is asked, crowded, unable to begin, watched by a collector of traces, trusted
//! with secrets, and split into several processes.

#![expect(clippy::expect_used, clippy::panic, reason = "a program that goes wrong fails the test")]

mod apart;
mod bus;
mod canary;
mod channel;
mod collector;
#[cfg(target_os = "linux")]
mod crowd;
mod deploy;
mod doors;
mod ending;
mod program;
mod schema;
mod stub;
mod traces;
