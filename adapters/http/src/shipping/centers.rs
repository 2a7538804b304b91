//! The centers at the ends of transports, as text: each answer has two, and most of them the same.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{Example, ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use shipping_application::Center;
use shipping_domain::CenterCode;

use crate::center::CenterBody;

/// Texts that are kept by each thread.
const TEXTS_AT_MOST: usize = 256;

/// Bytes of the longest text that is kept. A thousand people can work in a center.
const BYTES_AT_MOST: usize = 16 * 1024;

/// A [`CenterBody`], written down.
#[derive(Clone)]
pub(super) struct CenterText(Arc<RawValue>);

/// A center that was shown, and its text, which it has for as long as it is the same one.
struct Shown(Arc<Center>, CenterText);

thread_local! {
    static SHOWN: RefCell<HashMap<CenterCode, Shown>> = RefCell::default();
}

impl CenterText {
    /// Writes it down.
    pub(super) fn of(center: &CenterBody) -> Self {
        // Writing texts and numbers cannot fail.
        Self(to_raw_value(center).unwrap_or_default().into())
    }
}

impl From<Arc<Center>> for CenterText {
    fn from(center: Arc<Center>) -> Self {
        SHOWN.with_borrow_mut(|shown| {
            if let Some(Shown(_, text)) = shown.get(&center.code).filter(|Shown(it, _)| Arc::ptr_eq(it, &center)) {
                return text.clone();
            }
            let text = Self::of(&Center::clone(&center).into());
            if text.0.get().len() <= BYTES_AT_MOST {
                if shown.len() >= TEXTS_AT_MOST {
                    shown.clear();
                }
                shown.insert(center.code.clone(), Shown(center, text.clone()));
            }
            text
        })
    }
}

impl Serialize for CenterText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl ToJSON for CenterText {
    fn to_json(&self) -> Option<Value> {
        serde_json::from_str(self.0.get()).ok()
    }
}

impl ParseFromJSON for CenterText {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        CenterBody::parse_from_json(value).map(|it| Self::of(&it)).map_err(ParseError::propagate)
    }
}

impl Example for CenterText {
    fn example() -> Self {
        Self::of(&CenterBody::example())
    }
}

/// Described as what it is the text of.
impl Type for CenterText {
    const IS_REQUIRED: bool = CenterBody::IS_REQUIRED;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        CenterBody::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        CenterBody::schema_ref()
    }

    fn register(registry: &mut Registry) {
        CenterBody::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

#[cfg(test)]
mod tests {
    use shipping_domain::testing::center;
    use uuid::Uuid;

    use super::*;
    use crate::json::is_written_as_it_is_described;

    fn a_center(name: &str) -> Arc<Center> {
        Arc::new(Center { id: Uuid::nil(), code: center("ABC001"), name: name.to_owned(), staff: Vec::new() })
    }

    fn written(center: &Arc<Center>) -> Arc<RawValue> {
        CenterText::from(center.clone()).0
    }

    #[test]
    fn a_center_is_written_once_for_as_long_as_it_is_the_same_one() {
        let (old, new) = (a_center("\"North\"\n"), a_center("South"));

        let first = written(&old);
        assert!(Arc::ptr_eq(&first, &written(&old)));
        assert_eq!(serde_json::from_str::<Value>(first.get()).ok(), CenterBody::from(Center::clone(&old)).to_json());
        assert!(written(&new).get().contains("South"), "another one of the same code has a text of its own");
        assert!(written(&old).get().contains("North"));
        is_written_as_it_is_described(&CenterText::from(old));
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let long = a_center(&"x".repeat(BYTES_AT_MOST));
        assert!(!Arc::ptr_eq(&written(&long), &written(&long)), "it is written anew each time");

        for number in 0..=TEXTS_AT_MOST {
            let code = CenterCode::parse(&format!("C{number}")).expect("a code");
            written(&Arc::new(Center { code, ..Center::clone(&a_center("North")) }));
        }
        assert!(SHOWN.with_borrow(HashMap::len) <= TEXTS_AT_MOST);
    }
}
