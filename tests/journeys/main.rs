//! Journeys: the whole application through its front door, on both stacks.

#![expect(clippy::expect_used, clippy::panic, reason = "a journey that goes wrong fails")]

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
mod announcements;
mod api_keys;
mod bad_input;
mod budgets;
mod bus;
mod centers;
mod changing_shipping;
mod contained;
mod conventions;
mod documentation;
mod documented_fields;
mod driving;
mod faults;
mod filters_and_orders;
mod guessing;
mod hidden_accounts;
mod idempotency;
mod languages;
mod made_up_requests;
mod metrics;
mod moving_over;
mod narrowed_tokens;
mod outages;
mod packing_and_loading;
mod people_shown;
mod profiles;
mod proper_requests;
mod proving_a_number;
mod races;
mod readiness;
mod replica;
mod rights;
mod sessions;
mod signing_in;
mod signing_up;
mod stage;
mod starting_and_completing;
mod statements;
mod stopping;
mod storm;
mod throttles;
mod unasked_fields;
mod upkeep;
mod users;
