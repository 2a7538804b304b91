//! What is wrong with a request: the codes of Django REST framework, in one place.

use std::fmt;
use std::time::Duration;

use kernel_application::{PageRequest, Rate};

use crate::messages::Message;

/// What came is repeated only as far as it helps, in characters: it may be a megabyte.
const SHOWN: usize = 64;

/// One thing that is wrong. The code is for programs and never changes, the message is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) message: Message,
    /// Where in the request, as a dotted path: `[1].tracking_number`.
    pub(crate) field: Option<String>,
}

/// The beginning of what came.
pub(crate) fn shown(came: &str) -> String {
    came.chars().take(SHOWN).collect()
}

impl Fault {
    /// A fault of the request as a whole.
    pub(crate) fn new(code: &'static str, message: Message) -> Self {
        Self { code, message, field: None }
    }

    /// The same fault, found in `field`.
    pub(crate) fn of(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same fault, with `path` before where it was found.
    pub(crate) fn below(self, path: &str) -> Self {
        let field = self.field.map_or_else(|| path.to_owned(), |field| format!("{path}{field}"));
        Self { field: Some(field), ..self }
    }

    pub(crate) fn throttled(scope: &str, rate: Rate, seconds: u64) -> Self {
        let rate = format!("{}/{}", rate.limit, name_of(rate.window));
        Self::new("throttled", Message::Throttled { scope: scope.to_owned(), rate, seconds })
    }

    pub(crate) fn required() -> Self {
        Self::new("required", Message::Required)
    }

    pub(crate) fn null() -> Self {
        Self::new("null", Message::Null)
    }

    pub(crate) fn no_data() -> Self {
        Self::new("null", Message::NoData)
    }

    pub(crate) fn blank() -> Self {
        Self::new("blank", Message::Blank)
    }

    pub(crate) fn null_characters() -> Self {
        Self::new("null_characters_not_allowed", Message::NullCharacters)
    }

    pub(crate) fn control_characters() -> Self {
        Self::invalid(Message::ControlCharacters)
    }

    pub(crate) fn too_long(max: usize) -> Self {
        Self::new("max_length", Message::TooLong { max })
    }

    pub(crate) fn too_many(max: usize) -> Self {
        Self::new("max_length", Message::TooMany { max })
    }

    /// A value of the wrong kind or form; the message says what was expected.
    pub(crate) fn invalid(message: Message) -> Self {
        Self::new("invalid", message)
    }

    pub(crate) fn not_a_string() -> Self {
        Self::invalid(Message::NotAString)
    }

    pub(crate) fn not_a_uuid() -> Self {
        Self::invalid(Message::NotAUuid)
    }

    pub(crate) fn not_a_boolean() -> Self {
        Self::invalid(Message::NotABoolean)
    }

    pub(crate) fn not_an_object(got: &str) -> Self {
        Self::invalid(Message::NotAnObject { got: got.to_owned() })
    }

    pub(crate) fn not_a_list(got: &str) -> Self {
        Self::new("not_a_list", Message::NotAList { got: got.to_owned() })
    }

    pub(crate) fn not_a_page() -> Self {
        Self::invalid(Message::NotAPage)
    }

    pub(crate) fn not_a_cursor() -> Self {
        Self::invalid(Message::NotACursor)
    }

    pub(crate) fn not_a_page_size() -> Self {
        Self::invalid(Message::NotAPageSize { max: PageRequest::MAX_SIZE })
    }

    pub(crate) fn invalid_choice(choice: &str) -> Self {
        Self::new("invalid_choice", Message::InvalidChoice { choice: shown(choice) })
    }

    pub(crate) fn unique(field: &str) -> Self {
        Self::new("unique", Message::Unique).of(field)
    }

    pub(crate) fn parse_error(cause: impl fmt::Display) -> Self {
        Self::new("parse_error", Message::ParseError { cause: cause.to_string() })
    }

    pub(crate) fn unreadable_body() -> Self {
        Self::new("parse_error", Message::UnreadableBody)
    }

    pub(crate) fn not_authenticated() -> Self {
        Self::new("not_authenticated", Message::NotAuthenticated)
    }

    pub(crate) fn authentication_failed() -> Self {
        Self::new("authentication_failed", Message::AuthenticationFailed)
    }

    pub(crate) fn permission_denied() -> Self {
        Self::new("permission_denied", Message::PermissionDenied)
    }

    pub(crate) fn not_found() -> Self {
        Self::new("not_found", Message::NotFound)
    }

    pub(crate) fn no_such_page() -> Self {
        Self::new("not_found", Message::NoSuchPage)
    }

    pub(crate) fn method_not_allowed(method: &str) -> Self {
        Self::new("method_not_allowed", Message::MethodNotAllowed { method: shown(method) })
    }

    pub(crate) fn request_timeout() -> Self {
        Self::new("request_timeout", Message::RequestTimeout)
    }

    pub(crate) fn conflict() -> Self {
        Self::new("conflict", Message::Conflict)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new("request_too_large", Message::TooLarge { limit })
    }

    pub(crate) fn unsupported_media_type(media_type: &str) -> Self {
        Self::new("unsupported_media_type", Message::UnsupportedMediaType { media_type: shown(media_type) })
    }

    pub(crate) fn internal() -> Self {
        Self::new("error", Message::Internal)
    }

    pub(crate) fn unavailable() -> Self {
        Self::new("unavailable", Message::Unavailable)
    }

    pub(crate) fn idempotency_key_malformed(max: usize) -> Self {
        Self::invalid(Message::IdempotencyKeyMalformed { max }).of("Idempotency-Key")
    }

    pub(crate) fn idempotency_key_reused() -> Self {
        Self::new("idempotency_key_reused", Message::IdempotencyKeyReused)
    }

    pub(crate) fn idempotency_key_in_use() -> Self {
        Self::new("idempotency_key_in_use", Message::IdempotencyKeyInUse)
    }
}

/// A stretch of time as rates are written, in the words of Django REST framework.
fn name_of(window: Duration) -> String {
    match window.as_secs() {
        1 => "second".to_owned(),
        60 => "minute".to_owned(),
        3_600 => "hour".to_owned(),
        86_400 => "day".to_owned(),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Language;

    #[test]
    fn a_path_grows_from_the_inside_out() {
        let fault = Fault::not_a_uuid().below("[1]").below("staff_members");

        assert_eq!(fault.field.as_deref(), Some("staff_members[1]"));
    }

    #[test]
    fn a_wrong_choice_is_repeated_only_in_part() {
        let text = |choice: &str| Fault::invalid_choice(choice).message.text(Language::English);

        assert_eq!(text("PARKED"), "\"PARKED\" is not a valid choice.");
        assert!(text(&"x".repeat(1_000_000)).len() < 128);
    }

    #[test]
    fn a_rate_is_told_as_it_is_configured() {
        let rate = |window| Fault::throttled("auth-check", Rate { limit: 30, window }, 7).message;

        for (window, written) in [(1, "30/second"), (60, "30/minute"), (3_600, "30/hour"), (86_400, "30/day")] {
            let text = rate(Duration::from_secs(window)).text(Language::English);
            assert_eq!(text, format!("Throttled by auth-check ({written}). 7 seconds left to be released."));
        }
    }
}
