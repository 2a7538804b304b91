//! What is wrong with a request: the codes and messages of Django REST framework, in one place.

use std::fmt;

use kernel_application::{PageRequest, Rate};

/// One thing that is wrong. The code is for programs and never changes, the message is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Where in the request, as a dotted path: `[1].tracking_number`.
    pub(crate) field: Option<String>,
}

impl Fault {
    /// A fault of the request as a whole.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None }
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
        let (limit, window) = (rate.limit, rate.window.as_secs());
        let message = format!("Throttled by {scope} ({limit} in {window} seconds). {seconds} seconds left.");
        Self::new("throttled", message)
    }

    pub(crate) fn required() -> Self {
        Self::new("required", "This field is required.")
    }

    pub(crate) fn null() -> Self {
        Self::new("null", "This field may not be null.")
    }

    pub(crate) fn no_data() -> Self {
        Self::new("null", "No data provided")
    }

    pub(crate) fn blank() -> Self {
        Self::new("blank", "This field may not be blank.")
    }

    pub(crate) fn null_characters() -> Self {
        Self::new("null_characters_not_allowed", "Null characters are not allowed.")
    }

    pub(crate) fn control_characters() -> Self {
        Self::new("invalid", "Control characters are not allowed.")
    }

    pub(crate) fn too_long(max: usize) -> Self {
        Self::new("max_length", format!("Ensure this field has no more than {max} characters."))
    }

    pub(crate) fn too_many(max: usize) -> Self {
        Self::new("max_length", format!("Ensure this field has no more than {max} elements."))
    }

    /// A value of the wrong kind or form; `message` says what was expected.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new("invalid", message)
    }

    pub(crate) fn not_a_string() -> Self {
        Self::invalid("Not a valid string.")
    }

    pub(crate) fn not_a_uuid() -> Self {
        Self::invalid("Must be a valid UUID.")
    }

    pub(crate) fn not_a_boolean() -> Self {
        Self::invalid("Must be a valid boolean.")
    }

    pub(crate) fn not_an_object(got: impl fmt::Display) -> Self {
        Self::invalid(format!("Invalid data. Expected a dictionary, but got {got}."))
    }

    pub(crate) fn not_a_list(got: impl fmt::Display) -> Self {
        Self::new("not_a_list", format!("Expected a list of items but got type \"{got}\"."))
    }

    pub(crate) fn not_a_page() -> Self {
        Self::invalid("A page is a number from 1, or \"last\".")
    }

    pub(crate) fn not_a_page_size() -> Self {
        Self::invalid(format!("A page size is a number from 1; more than {} is held at that.", PageRequest::MAX_SIZE))
    }

    pub(crate) fn invalid_choice(choice: &str) -> Self {
        // What came is repeated only as far as it helps: it may be a megabyte.
        let shown: String = choice.chars().take(64).collect();
        Self::new("invalid_choice", format!("\"{shown}\" is not a valid choice."))
    }

    pub(crate) fn unique(field: &str) -> Self {
        Self::new("unique", "This field must be unique.").of(field)
    }

    pub(crate) fn parse_error(cause: impl fmt::Display) -> Self {
        Self::new("parse_error", format!("JSON parse error - {cause}"))
    }

    pub(crate) fn unreadable_body() -> Self {
        Self::new("parse_error", "The request body could not be read.")
    }

    pub(crate) fn not_authenticated() -> Self {
        Self::new("not_authenticated", "Authentication credentials were not provided.")
    }

    pub(crate) fn authentication_failed() -> Self {
        Self::new("authentication_failed", "Incorrect authentication credentials.")
    }

    pub(crate) fn permission_denied() -> Self {
        Self::new("permission_denied", "You do not have permission to perform this action.")
    }

    pub(crate) fn not_found() -> Self {
        Self::new("not_found", "Not found.")
    }

    pub(crate) fn no_such_page() -> Self {
        Self::new("not_found", "Invalid page.")
    }

    pub(crate) fn method_not_allowed(method: impl fmt::Display) -> Self {
        Self::new("method_not_allowed", format!("Method \"{method}\" not allowed."))
    }

    pub(crate) fn request_timeout() -> Self {
        Self::new("request_timeout", "The request body did not arrive in time.")
    }

    pub(crate) fn conflict() -> Self {
        Self::new("conflict", "Somebody else changed this at the same time. Please look again and retry.")
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new("request_too_large", format!("The request body may have no more than {limit} bytes."))
    }

    pub(crate) fn unsupported_media_type(media_type: &str) -> Self {
        let shown: String = media_type.chars().take(64).collect();
        Self::new("unsupported_media_type", format!("Unsupported media type \"{shown}\" in request."))
    }

    pub(crate) fn internal() -> Self {
        Self::new("error", "A server error occurred.")
    }

    pub(crate) fn unavailable() -> Self {
        Self::new("unavailable", "The service is not available right now. Please try again.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_grows_from_the_inside_out() {
        let fault = Fault::not_a_uuid().below("[1]").below("staff_members");

        assert_eq!(fault.field.as_deref(), Some("staff_members[1]"));
    }

    #[test]
    fn a_wrong_choice_is_repeated_only_in_part() {
        assert_eq!(Fault::invalid_choice("PARKED").message, "\"PARKED\" is not a valid choice.");
        assert!(Fault::invalid_choice(&"x".repeat(1_000_000)).message.len() < 128);
    }
}
