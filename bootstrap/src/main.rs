//! `majestic`: serves the API, and does the chores around it.

use std::process::ExitCode;

/// A request makes many small allocations, from several threads: that of the C library takes a tenth of the time of a short answer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    bootstrap::cli::run().await
}
