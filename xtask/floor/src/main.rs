//! The least a server could do: what the benchmarks compare with.
//!
//! It sends the statements that the product sends and answers the bytes that the product answers. It asks nobody
//! who they are, checks nothing, logs nothing and gives up at the first error.
#![expect(clippy::disallowed_methods, reason = "there are no layers here that could be kept apart")]

mod answers;
mod batches;
mod items;
mod known;
mod least;
mod statements;
mod transports;

use std::error::Error;
use std::sync::Arc;

use mysql_async::{Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts};
use poem::listener::TcpListener;
use poem::{EndpointExt as _, Route, Server, get, post};

/// That of the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As many as the product has.
const CONNECTIONS: usize = 16;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::var("LISTEN_ADDR")?;
    // Taking a connection back as it is saves a round trip; nothing here leaves anything behind on it.
    let connections = PoolConstraints::new(CONNECTIONS, CONNECTIONS).unwrap_or_default();
    let pool = PoolOpts::default().with_constraints(connections).with_reset_connection(false);
    let options = OptsBuilder::from_opts(Opts::from_url(&std::env::var("DATABASE_URL")?)?)
        .client_found_rows(true)
        .init(statements::SESSION.to_vec())
        .pool_opts(pool);
    let pool = Pool::new(options);
    let known = known::Known::read(&pool).await?;
    let routes = Route::new()
        .at("/api/v1/shipping/shippingitems/", get(items::list).post(items::create))
        .at("/api/v1/shipping/shippingitems/:tracking_number/", get(items::detail))
        .at("/api/v1/shipping/batches/:alias/add/", post(batches::add))
        .at("/api/v1/shipping/transports/:id/", get(transports::detail))
        .at("/static", get(least::bytes).put(least::keep))
        .at("/argon2id", post(least::hash).put(least::keep))
        .data(least::Kept::default())
        .data(least::Hasher::new())
        .data(Arc::new(known))
        .data(pool);
    Ok(Server::new(TcpListener::bind(address)).run(routes).await?)
}
