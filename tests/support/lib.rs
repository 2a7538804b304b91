//! What tests that cross crates share: the application, servers in containers, events that went out.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot have what it needs fails"
)]

pub mod amazon;
pub mod app;
pub mod bus;
pub mod channel;
pub mod containers;
pub mod events;
pub mod invariants;
pub mod paths;
pub mod pictures;
pub mod proxy;
pub mod rows;
pub mod specification;
pub mod sql;
pub mod storm;

pub use kernel_application::StoredEvent;

/// The Python that `cargo xtask test` prepares, named by `TEST_PYTHON`.
pub fn python() -> Option<String> {
    given("TEST_PYTHON")
}

/// The product's container image, which `cargo xtask test` builds, named by `TEST_IMAGE`.
pub fn image() -> Option<String> {
    given("TEST_IMAGE")
}

/// What stands for Amazon, with S3, EventBridge and SQS: `cargo xtask test` starts it, and names it by `TEST_S3_ENDPOINT`.
pub fn s3_endpoint() -> Option<String> {
    given("TEST_S3_ENDPOINT")
}

#[expect(clippy::disallowed_methods, reason = "these variables speak to the tests, not to the product")]
fn given(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|it| !it.is_empty());
    value.or_else(|| containers::left_out(&format!("{variable} is not set")))
}
