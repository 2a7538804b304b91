//! What each port promises, asked of every adapter that implements it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a promise that is not kept fails the test"
)]

mod auth_store;
mod cache;
mod cache_outage;
mod center_cache;
mod center_usage;
mod context_ports;
mod counts;
mod cursors;
mod databases;
mod dead_letters;
mod deliveries;
mod event_bus;
mod events;
mod handled_events;
mod idempotency;
mod invariants;
mod plans;
mod relaying;
mod replica;
mod schema;
mod shipping_lists;
mod shipping_model;
mod shipping_races;
mod shipping_store;
mod shipping_trips;
mod simulated_relays;
mod smaller_stores;
mod throttle;
mod throttle_outage;
mod transaction_scope;
mod upkeep;
mod user_store;
mod verification_log;
mod wire;

/// Asks every database for the same promises. A promise is an async function of a `TestDatabase`.
macro_rules! every_database_promises {
    ($($promise:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    super::$promise(crate::databases::sqlite().await).await;
                }
            )+
        }

        mod mysql {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    let Some(database) = crate::databases::mysql().await else { return };
                    super::$promise(database).await;
                }
            )+
        }

        mod mariadb {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    let Some(database) = crate::databases::mariadb().await else { return };
                    super::$promise(database).await;
                }
            )+
        }
    };
}
use every_database_promises;
