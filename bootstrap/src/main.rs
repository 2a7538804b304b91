//! `majestic`: serves the API, and does the chores around it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    bootstrap::cli::run().await
}
