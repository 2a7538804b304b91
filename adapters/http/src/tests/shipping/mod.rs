//! Items, batches and transports.

mod batches;
mod changes;
mod items;
mod transports;

use poem::http::StatusCode;
use poem::test::TestResponse;
use shipping_application::Shipping;
use shipping_application::testing::World;

use super::contexts::Served;
use super::faults_of;

const NUMBER: &str = "20260102-0000000007";
const NOON: &str = "2026-01-02T12:00:00.000000Z";

fn served(shipping: Shipping) -> Served {
    Served { shipping: Some(shipping), ..Served::default() }
}

/// For a request that only looks.
fn looking(world: World) -> Served {
    served(world.never_begins())
}

/// For a request that changes something.
fn working(world: World) -> Served {
    served(world.commits().0)
}

/// The field and the code of each fault of a 400.
async fn refused(response: TestResponse) -> Vec<(String, String)> {
    response.assert_status(StatusCode::BAD_REQUEST);
    faults_of(response).await.into_iter().map(|(field, code, _)| (field, code)).collect()
}

fn fault(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}
