//! Answers in JSON, written straight from what they tell.
//!
//! The framework's own payload makes a tree of values first, which takes as long as everything else around an answer.

use std::marker::PhantomData;

use bytes::Bytes;
use poem::http::header;
use poem::{IntoResponse, Response, web};
use poem_openapi::ApiResponse;
use poem_openapi::payload::{self, Payload as _};
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::types::ToJSON;
use serde::Serialize;

use crate::problem::Problem;

/// 200, with this. `ToJSON` describes it and `Serialize` writes it: `is_written_as_it_is_described` keeps the two together, in
/// a test of each module that has an answer.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize + Send> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        web::Json(self.0).into_response()
    }
}

impl<T: ToJSON> ApiResponse for Json<T> {
    fn meta() -> MetaResponses {
        payload::Json::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 200, with the text of a `T` that was written before.
pub(crate) struct Written<T> {
    text: Bytes,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize> Written<T> {
    /// Writes it down.
    pub(crate) fn of(body: &T) -> Result<Self, Problem> {
        let text = serde_json::to_vec(body).map_err(Problem::internal)?;
        Ok(Self { text: text.into(), of: PhantomData })
    }
}

impl<T> Written<T> {
    /// Its bytes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }
}

impl<T> Clone for Written<T> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), of: PhantomData }
    }
}

impl<T: ToJSON> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        Response::builder().header(header::CONTENT_TYPE, payload::Json::<T>::CONTENT_TYPE).body(self.text)
    }
}

impl<T: ToJSON> ApiResponse for Written<T> {
    fn meta() -> MetaResponses {
        payload::Json::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// Whether what clients get is what the document says. For the tests of every module that has an answer of its own.
#[cfg(test)]
pub(crate) fn is_written_as_it_is_described<T: ToJSON + Serialize>(body: &T) {
    assert_eq!(serde_json::to_value(body).ok(), body.to_json());
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::noon;
    use kernel_application::{Cursor, Page, Place};
    use poem_openapi::types::Example;

    use super::*;
    use crate::center::CenterBody;
    use crate::page::{Here, PageBody};
    use crate::profile::{Person, ProfileBody};

    #[test]
    fn what_may_be_left_out_or_null_is_written_as_it_is_described() {
        let person = || Person {
            uuid: uuid::Uuid::nil(),
            phonenumber: None,
            username: "\"root\"\u{1F4E6}\n".to_owned(),
            fullname: Some(String::new()),
            image: None,
        };
        let born = chrono::NaiveDate::from_ymd_opt(1990, 2, 28);
        let staff = ProfileBody::staff(person(), vec!["night shift".to_owned()]);
        for profile in [staff, ProfileBody::driver(person(), None), ProfileBody::driver(person(), born)] {
            is_written_as_it_is_described(&profile);
            let center = CenterBody { staff_members: vec![profile], ..CenterBody::example() };
            is_written_as_it_is_described(&center);
            for page in
                [Page::numbered(vec![center.clone()], 1, 21, 10), Page::numbered(vec![center.clone()], 3, 21, 10)]
            {
                is_written_as_it_is_described(&PageBody::<CenterBody>::at(&Here::default(), page));
            }
        }
    }

    #[test]
    fn a_page_beyond_a_cursor_is_written_as_it_is_described() {
        let cursor = Cursor::new(false, &[Some(noon())], uuid::Uuid::nil());
        for (previous, next) in [(None, None), (cursor, None), (None, cursor)] {
            let place = Place::Between { previous, next };
            let page = Page { entries: vec![CenterBody::example()], place, size: 10 };
            is_written_as_it_is_described(&PageBody::<CenterBody>::at(&Here::default(), page));
        }
    }
}
