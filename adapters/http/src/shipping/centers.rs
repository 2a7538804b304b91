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

/// Bytes of all texts that are kept by each thread; the centers that they are of take as much again.
const BYTES_AT_MOST: usize = 1024 * 1024;

/// Bytes of the longest text that is kept. A thousand people can work in a center.
const LONGEST: usize = 16 * 1024;

/// A [`CenterBody`], written down.
#[derive(Clone)]
pub(super) struct CenterText(Arc<RawValue>);

/// The centers that were shown last, each with its text, which it has for as long as it is the same one.
#[derive(Default)]
struct Shown {
    texts: HashMap<CenterCode, (Arc<Center>, CenterText)>,
    bytes: usize,
}

thread_local! {
    static SHOWN: RefCell<Shown> = RefCell::default();
}

impl Shown {
    fn text_of(&self, center: &Arc<Center>) -> Option<CenterText> {
        let (_, text) = self.texts.get(&center.code).filter(|(it, _)| Arc::ptr_eq(it, center))?;
        Some(text.clone())
    }

    fn keep(&mut self, center: Arc<Center>, text: &CenterText) {
        let length = text.len();
        if length > LONGEST {
            return;
        }
        if self.bytes + length > BYTES_AT_MOST {
            *self = Self::default();
        }
        let before = self.texts.insert(center.code.clone(), (center, text.clone()));
        self.bytes += length;
        self.bytes -= before.map_or(0, |(_, text)| text.len());
    }
}

impl CenterText {
    /// Writes it down.
    pub(super) fn of(center: &CenterBody) -> Self {
        // Writing texts and numbers cannot fail.
        Self(to_raw_value(center).unwrap_or_default().into())
    }

    fn len(&self) -> usize {
        self.0.get().len()
    }
}

impl From<Arc<Center>> for CenterText {
    fn from(center: Arc<Center>) -> Self {
        SHOWN.with_borrow_mut(|shown| {
            shown.text_of(&center).unwrap_or_else(|| {
                let text = Self::of(&Center::clone(&center).into());
                shown.keep(center, &text);
                text
            })
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
        let long = a_center(&"x".repeat(LONGEST));
        assert!(!Arc::ptr_eq(&written(&long), &written(&long)), "it is written anew each time");

        let kept = || SHOWN.with_borrow(|it| (it.bytes, it.texts.values().map(|(_, text)| text.len()).sum::<usize>()));
        let name = "x".repeat(LONGEST / 2);
        for number in 0..3 * BYTES_AT_MOST / LONGEST {
            let code = CenterCode::parse(&format!("C{}", number / 2)).expect("a code");
            written(&Arc::new(Center { code, ..Center::clone(&a_center(&name)) }));
            let (counted, there) = kept();
            assert_eq!(counted, there);
            assert!((1..=BYTES_AT_MOST).contains(&there), "{there}");
        }
    }
}
