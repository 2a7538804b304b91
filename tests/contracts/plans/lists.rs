//! Every list of the public document, with every filter and in every order that the document has.
//!
//! They are taken from the document: a new list, filter or order fails here until it is asked for, too.

use distribution_application::CenterFilter;
use kernel_application::{Cursor, Direction, Page, PageRequest, Place};
use kernel_domain::StoreError;
use persistence_adapter::Database;
use serde_json::Value;
use shipping_application::{BatchFilter, BatchOrder, ItemFilter, ItemOrder, TransportFilter, TransportOrder};
use shipping_domain::testing::center;
use shipping_domain::{BatchId, DriverId, ItemStatus, TransportId};
use user_application::UserFilter;
use user_domain::{PhoneNumber, UserType};
use uuid::Uuid;

use super::rows::{self, id, time};

pub(super) const ITEMS: &str = "/api/v1/shipping/shippingitems/";
pub(super) const ITEMS_OF_BATCH: &str = "/api/v1/shipping/batches/{alias}/shippingitems/";
pub(super) const BATCHES: &str = "/api/v1/shipping/batches/";
pub(super) const BATCHES_OF_TRANSPORT: &str = "/api/v1/shipping/transports/{uuid}/batches/";
pub(super) const TRANSPORTS: &str = "/api/v1/shipping/transports/";
pub(super) const CENTERS: &str = "/api/v1/distribution/centers/";
pub(super) const USERS: &str = "/api/v1/user/users/";
const SESSIONS: &str = "/api/v1/auth/sessions/";
const API_KEYS: &str = "/api/v1/auth/api-keys/";

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

/// What every list has, and what says nothing about which entries are in it.
const PAGING: [&str; 3] = ["cursor", "page", "page_size"];

const CREATED: &str = "timestamp_created";

/// What a driver is shown is narrowed to what is theirs, whatever they ask for.
pub(super) const SEEN_BY: &str = "as seen by a driver";

/// One way to ask for a list.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) list: String,
    pub(super) filters: Vec<(String, String)>,
    pub(super) order: Vec<(String, Direction)>,
}

impl Query {
    /// Whether every row of a table is in the list.
    pub(super) fn is_whole_table(&self) -> bool {
        let is_part = [ITEMS_OF_BATCH, BATCHES_OF_TRANSPORT, SESSIONS, API_KEYS].contains(&self.list.as_str());
        !is_part && self.filters.is_empty()
    }

    /// Whether an index has this order: by a time, and what ties by creation in the same direction.
    pub(super) fn is_in_order_of_an_index(&self) -> bool {
        matches!(self.order.as_slice(), [first, second] if second.0 == CREATED && first.1 == second.1)
    }

    /// Whether it has only what is completed, in the order of a time that says nothing of that.
    pub(super) fn is_completed_by_another_time(&self) -> bool {
        let is_other = |time: &str| [CREATED, "timestamp_departed"].contains(&time);
        self.filters.contains(&("completed".to_owned(), "true".to_owned()))
            && self.order.first().is_none_or(|(time, _)| is_other(time))
    }
}

/// Every list with all filters that go together, by default and by each of its times; with each filter by every two of
/// its times, too, and without one by all of them.
pub(super) fn queries() -> Vec<Query> {
    let document: Value = serde_json::from_str(&http_adapter::openapi_document()).unwrap();
    let mut queries = Vec::new();
    for (list, operations) in document["paths"].as_object().unwrap() {
        let parameters: Vec<_> = operations["get"]["parameters"].as_array().into_iter().flatten().collect();
        let named = |name: &str| parameters.iter().find(|it| it["name"] == name);
        if named("cursor").is_none() {
            continue;
        }
        let times = named("ordering").map(|it| times(it)).unwrap_or_default();
        let is_filter = |it: &&&Value| {
            it["in"] == "query" && it["name"] != "ordering" && !PAGING.iter().any(|paging| it["name"] == *paging)
        };
        let mut filters: Vec<_> = parameters.iter().filter(is_filter).flat_map(|it| filters(it)).collect();
        if list == TRANSPORTS {
            filters.push((SEEN_BY.to_owned(), id(7).to_string()));
        }

        let orders = orders(&times);
        for filters in together(&filters) {
            let times_at_most = match filters.len() {
                0 => times.len(),
                1 => 2,
                _ => 1,
            };
            for order in orders.iter().filter(|it| it.len() <= times_at_most) {
                queries.push(Query { list: list.clone(), filters: filters.clone(), order: order.clone() });
            }
        }
    }
    queries
}

/// By default, and by each of these times, and by several of them, in every sequence and direction.
fn orders(times: &[String]) -> Vec<Vec<(String, Direction)>> {
    let (mut orders, mut longest) = (vec![Vec::new()], vec![Vec::new()]);
    for _ in times {
        let mut longer = Vec::new();
        for order in &longest {
            let others = times.iter().filter(|time| order.iter().all(|(known, _)| known != *time));
            for (time, direction) in others.flat_map(|time| DIRECTIONS.map(|it| (time.clone(), it))) {
                longer.push([order.as_slice(), &[(time, direction)]].concat());
            }
        }
        orders.extend(longer.iter().cloned());
        longest = longer;
    }
    orders
}

/// No filter, each, and all that can be asked with at once: one value of each name.
fn together(filters: &[(String, String)]) -> Vec<Vec<(String, String)>> {
    filters.iter().fold(vec![Vec::new()], |mut chosen, filter| {
        let has_another_value = |it: &&Vec<(String, String)>| it.iter().any(|(name, _)| *name == filter.0);
        let with_it: Vec<_> = chosen
            .iter()
            .filter(|it| !has_another_value(it))
            .map(|it| it.iter().chain([filter]).cloned().collect())
            .collect();
        chosen.extend(with_it);
        chosen
    })
}

/// The times by which a list may be ordered, as the pattern of `ordering` names them: `^-?(a|b)(,-?(a|b))*$`.
fn times(ordering: &Value) -> Vec<String> {
    let pattern = ordering["schema"]["pattern"].as_str().expect("a pattern");
    let names = pattern.split(['(', ')']).nth(1).expect("names between the first parentheses");
    names.split('|').map(str::to_owned).collect()
}

/// The values that a filter is asked with.
fn filters(parameter: &Value) -> Vec<(String, String)> {
    let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
    let named = |value: &str| (name.to_owned(), value.to_owned());
    if let Some(choices) = schema["enum"].as_array() {
        return choices.iter().map(|it| named(it.as_str().unwrap())).collect();
    }
    if schema["type"] == "boolean" {
        return vec![named("false"), named("true")];
    }
    match name {
        "driver_uuid" => vec![named(&id(7).to_string())],
        "distribution_center_code_source" => vec![named("S14"), named("S15")],
        "distribution_center_code_destination" => vec![named("D")],
        "center_code" => vec![named("C7")],
        "name" => vec![named("N7")],
        "phonenumber" => vec![named("+821000000007")],
        "q" => vec![named("u77")],
        _ => panic!("say which values of the filter {name} to ask for"),
    }
}

/// Asks for a page, and answers where it is, if there is one; which columns the cursors of a list have is seen in them.
pub(super) async fn ask(database: &Database, query: &Query, page: PageRequest) -> Option<Place> {
    let shipping = database.shipping_queries();
    match query.list.as_str() {
        ITEMS => place(shipping.items(&item_filter(query), &order(query, item_order), page).await),
        ITEMS_OF_BATCH => {
            let filter = ItemFilter { batch: Some(BatchId::new(id(rows::LARGE_BATCH))), ..item_filter(query) };
            place(shipping.items(&filter, &order(query, item_order), page).await)
        }
        BATCHES => place(shipping.batches(&batch_filter(query), &order(query, batch_order), page).await),
        BATCHES_OF_TRANSPORT => {
            let transport = Some(TransportId::new(id(rows::LARGE_TRANSPORT)));
            let filter = BatchFilter { transport, ..batch_filter(query) };
            place(shipping.batches(&filter, &order(query, batch_order), page).await)
        }
        TRANSPORTS => place(shipping.transports(&transport_filter(query), &order(query, transport_order), page).await),
        CENTERS => place(database.distribution_queries().centers(&center_filter(query), page).await),
        USERS => place(database.user_queries().users(&user_filter(query), page).await),
        SESSIONS => {
            let account = auth_domain::AccountId::new(id(rows::BUSY_ACCOUNT));
            place(database.auth_queries().sessions(account, time(0), page).await)
        }
        API_KEYS => place(database.auth_queries().api_keys(page).await),
        list => panic!("ask for the list {list}, too"),
    }
}

fn place<T>(page: Result<Option<Page<T>>, StoreError>) -> Option<Place> {
    page.expect("it is read").map(|it| it.place)
}

/// Pages from the middle of a list, forwards and backwards, whose cursors are like this one: at entries that have all
/// times, and at those that have only the last one.
pub(super) fn middle(list: &str, like: Cursor) -> Vec<PageRequest> {
    let middle = match list {
        ITEMS_OF_BATCH => rows::IN_LARGE_BATCH,
        BATCHES_OF_TRANSPORT => rows::ON_LARGE_TRANSPORT,
        _ => rows::ROWS,
    } / 2;
    let at = Some(time(middle));
    let times = like.times().len();
    let mut places = vec![vec![at; times]];
    if times > 1 {
        places.push([vec![None; times - 1], vec![at]].concat());
    }
    let mut pages = Vec::new();
    for place in places {
        for is_backwards in [false, true] {
            let cursor = Cursor::new(is_backwards, &place, id(middle));
            pages.push(PageRequest::beyond(cursor, super::PAGE).unwrap());
        }
    }
    pages
}

fn order<K>(query: &Query, key: fn(&str) -> K) -> Vec<(K, Direction)> {
    query.order.iter().map(|(name, direction)| (key(name), *direction)).collect()
}

fn item_order(name: &str) -> ItemOrder {
    match name {
        "timestamp_created" => ItemOrder::Created,
        "timestamp_completed" => ItemOrder::Completed,
        _ => panic!("order items by {name}, too"),
    }
}

fn batch_order(name: &str) -> BatchOrder {
    match name {
        "timestamp_created" => BatchOrder::Created,
        "timestamp_completed" => BatchOrder::Completed,
        _ => panic!("order batches by {name}, too"),
    }
}

fn transport_order(name: &str) -> TransportOrder {
    match name {
        "timestamp_created" => TransportOrder::Created,
        "timestamp_departed" => TransportOrder::Departed,
        "timestamp_arrived" => TransportOrder::Arrived,
        _ => panic!("order transports by {name}, too"),
    }
}

fn item_filter(query: &Query) -> ItemFilter {
    let mut filter = ItemFilter::default();
    for (name, value) in &query.filters {
        match name.as_str() {
            "status" => filter.status = Some(ItemStatus::named(value).unwrap()),
            _ => panic!("filter items by {name}, too"),
        }
    }
    filter
}

fn batch_filter(query: &Query) -> BatchFilter {
    let mut filter = BatchFilter::default();
    for (name, value) in &query.filters {
        match name.as_str() {
            "completed" => filter.completed = Some(value == "true"),
            _ => panic!("filter batches by {name}, too"),
        }
    }
    filter
}

fn transport_filter(query: &Query) -> TransportFilter {
    let mut filter = TransportFilter::default();
    let driver = |value: &str| Some(DriverId::new(Uuid::parse_str(value).unwrap()));
    for (name, value) in &query.filters {
        match name.as_str() {
            "completed" => filter.completed = Some(value == "true"),
            "driver_uuid" => filter.driver = driver(value),
            "distribution_center_code_source" => filter.source = Some(center(value)),
            "distribution_center_code_destination" => filter.destination = Some(center(value)),
            SEEN_BY => filter.seen_by = driver(value),
            _ => panic!("filter transports by {name}, too"),
        }
    }
    filter
}

fn center_filter(query: &Query) -> CenterFilter {
    let mut filter = CenterFilter::default();
    for (name, value) in &query.filters {
        match name.as_str() {
            "center_code" => filter.code = Some(value.clone()),
            "name" => filter.name = Some(value.clone()),
            _ => panic!("filter centers by {name}, too"),
        }
    }
    filter
}

fn user_filter(query: &Query) -> UserFilter {
    let mut filter = UserFilter::default();
    for (name, value) in &query.filters {
        match name.as_str() {
            "type" => filter.user_type = Some(UserType::named(value).unwrap()),
            "is_active" => filter.is_active = Some(value == "true"),
            "banned" => filter.is_banned = Some(value == "true"),
            "phonenumber" => filter.phone_number = Some(PhoneNumber::parse(value).unwrap()),
            "q" => filter.text = Some(value.clone()),
            _ => panic!("filter users by {name}, too"),
        }
    }
    filter
}
