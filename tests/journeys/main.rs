//! Journeys: the whole application through its front door, on both stacks.

#![expect(clippy::expect_used, reason = "a journey that goes wrong fails")]

/// Runs each journey on the embedded stack, and on MySQL and Redis.
macro_rules! on_both_stacks {
    ($($journey:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $journey() {
                let app = support::app::TestApp::start(support::app::Stack::Embedded).await;
                super::$journey(app.expect("the embedded stack is always there")).await;
            })+
        }
        mod networked {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $journey() {
                if let Some(app) = support::app::TestApp::start(support::app::Stack::Networked).await {
                    super::$journey(app).await;
                }
            })+
        }
    };
}

mod a_parcel_travels;
mod conventions;
mod documentation;
mod packing_and_loading;
mod races;
mod rights;
mod signing_in;
mod stage;
mod starting_and_completing;
mod statements;
mod stopping;
