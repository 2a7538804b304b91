//! The thread that ties a request to its log lines, events and errors.

use std::fmt;

use uuid::Uuid;

/// A UUID as its sender wrote it, with or without dashes: it is echoed, never rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationId(String);

impl CorrelationId {
    /// Accepts 32 hexadecimal digits, with the four usual dashes or without any.
    pub fn parse(raw: &str) -> Option<Self> {
        let plain = matches!(raw.len(), 32 | 36);
        (plain && Uuid::try_parse(raw).is_ok()).then(|| Self(raw.to_owned()))
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Uuid> for CorrelationId {
    fn from(id: Uuid) -> Self {
        Self(id.as_simple().to_string())
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_uuid_are_kept_as_they_came() {
        for raw in ["0190a3f0-7b1c-7d2e-8f00-000000000001", "0190A3F07B1C7D2E8F00000000000001"] {
            let id = CorrelationId::parse(raw).expect("an id");
            assert_eq!((id.as_str(), id.to_string().as_str()), (raw, raw));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for raw in ["", "42", "{0190a3f0-7b1c-7d2e-8f00-000000000001}", "urn:uuid:0190a3f0-7b1c-7d2e-8f00-000000000001"]
        {
            assert_eq!(CorrelationId::parse(raw), None, "{raw}");
        }
    }
}
