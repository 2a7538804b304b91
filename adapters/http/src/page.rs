//! Lists on the wire, with links to their other pages.

use kernel_application::{Cursor, Page, Place};
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::Object;
use poem_openapi::types::{Example, ParseFromJSON, ToJSON, Type};
use serde::Serialize;

use crate::{cursor, origin};

/// One page of a list. Beyond a cursor nothing is counted, and pages have no numbers.
#[derive(Object, Serialize)]
#[oai(rename = "Page", example)]
pub(crate) struct PageBody<T: Type + ParseFromJSON + ToJSON> {
    /// How many entries the whole list has.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// The next page.
    #[oai(nullable)]
    next: Option<String>,
    /// The page before.
    #[oai(nullable)]
    previous: Option<String>,
    /// The number of this page, from 1.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    current_page: Option<u32>,
    /// Entries on a full page.
    items_per_page: u32,
    /// The entries of this page.
    results: Vec<T>,
}

impl<T: Type + ParseFromJSON + ToJSON> PageBody<T> {
    /// A page of the list that was asked for at `here`.
    pub(crate) fn at<E: Into<T>>(here: &Here, page: Page<E>) -> Self {
        let Page { entries, place, size } = page;
        let items_per_page = size;
        let results = entries.into_iter().map(Into::into).collect();
        match place {
            Place::Numbered { number, count } => Self {
                count: Some(count),
                next: (u64::from(number) * u64::from(size) < count).then(|| here.page(number + 1)),
                previous: number.checked_sub(1).filter(|it| *it > 0).map(|it| here.page(it)),
                current_page: Some(number),
                items_per_page,
                results,
            },
            Place::Between { previous, next } => Self {
                count: None,
                next: next.map(|it| here.beyond(&it)),
                previous: previous.map(|it| here.beyond(&it)),
                current_page: None,
                items_per_page,
                results,
            },
        }
    }
}

impl<T: Type + ParseFromJSON + ToJSON + Example> Example for PageBody<T> {
    fn example() -> Self {
        let here = Here { base: "https://api.example.com/".to_owned(), query: "page_size=1".to_owned() };
        Self::at(&here, Page::numbered(vec![T::example()], 1, 2, 1))
    }
}

/// The URL of a request, as its client sees it.
#[derive(Default, PartialEq, Eq, Hash)]
pub(crate) struct Here {
    /// Up to the question mark.
    base: String,
    /// After it.
    query: String,
}

impl Here {
    #[cfg(test)]
    pub(crate) fn at(base: &str, query: &str) -> Self {
        Self { base: base.to_owned(), query: query.to_owned() }
    }

    /// The URL of another page. The first one needs no number.
    fn page(&self, number: u32) -> String {
        self.with((number > 1).then(|| ("page".to_owned(), number.to_string())))
    }

    /// The URL of the page beyond a cursor.
    fn beyond(&self, cursor: &Cursor) -> String {
        self.with(Some(("cursor".to_owned(), cursor::written(cursor))))
    }

    /// The same with this instead of the page and the cursor, sorted by name.
    fn with(&self, parameter: Option<(String, String)>) -> String {
        let mut query: Vec<(String, String)> = serde_urlencoded::from_str(&self.query).unwrap_or_default();
        query.retain(|(name, _)| name != "page" && name != "cursor");
        query.extend(parameter);
        query.sort_by(|one, other| one.0.cmp(&other.0));
        let query = url_encoded(&query);
        if query.is_empty() { self.base.clone() } else { format!("{}?{query}", self.base) }
    }
}

fn url_encoded(query: &[(String, String)]) -> String {
    // Encoding pairs of strings cannot fail.
    serde_urlencoded::to_string(query).unwrap_or_default()
}

impl<'a> FromRequest<'a> for Here {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let path = request.uri().path().trim_end_matches('/');
        let query = request.uri().query().unwrap_or_default().to_owned();
        Ok(Self { base: format!("{}{path}/", origin::base_url(request)), query })
    }
}
