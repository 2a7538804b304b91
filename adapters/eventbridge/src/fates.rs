//! What an answer means for each entry.

use aws_sdk_eventbridge::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eventbridge::operation::put_events::{PutEventsError, PutEventsOutput};
use aws_sdk_eventbridge::types::PutEventsResultEntry;
use kernel_application::Undelivered;
use kernel_domain::BoxError;

/// What the bus says when it does not take anybody's events right now. Anything else that it says of an entry is about
/// that entry.
const UNREACHABLE: [&str; 5] =
    ["AccessDeniedException", "InternalException", "InternalFailure", "ServiceUnavailable", "ThrottlingException"];

/// What the bus says of a call that one of its entries spoils.
const SPOILT: [&str; 2] = ["SerializationException", "ValidationException"];

/// Why an entry or a call failed, by Amazon's word for it. What it says besides may quote the event.
#[derive(Debug, thiserror::Error)]
#[error("the bus answers {0}")]
struct Refusal(String);

/// Amazon's word for what is wrong.
pub(crate) fn refusal(code: &str) -> BoxError {
    Refusal(word(code)).into()
}

/// The fate of each entry of a call that was answered.
pub(crate) fn told(answer: &PutEventsOutput, entries: usize) -> Vec<Result<(), Undelivered>> {
    let told = answer.entries();
    if told.len() != entries {
        let why = || format!("the bus tells of {} entries, and {entries} were sent", told.len());
        return (0..entries).map(|_| Err(Undelivered::Unreachable(why().into()))).collect();
    }
    told.iter().map(fate).collect()
}

fn fate(entry: &PutEventsResultEntry) -> Result<(), Undelivered> {
    match (entry.error_code(), entry.event_id()) {
        (None, Some(_)) => Ok(()),
        (Some(code), _) if UNREACHABLE.contains(&code) => Err(Undelivered::Unreachable(refusal(code))),
        (Some(code), _) => Err(Undelivered::Refused(refusal(code))),
        (None, None) => Err(Undelivered::Unreachable("the bus does not say what became of the event".into())),
    }
}

/// What a call that failed means for its entries.
pub(crate) enum Failure {
    /// One of the entries is to blame.
    Spoilt(Undelivered),
    /// None of them is, or nobody knows.
    Unreachable(Undelivered),
}

pub(crate) fn failure(error: SdkError<PutEventsError>) -> Failure {
    match error.code() {
        Some(code) if SPOILT.contains(&code) => Failure::Spoilt(Undelivered::Refused(refusal(code))),
        Some(code) => Failure::Unreachable(Undelivered::Unreachable(refusal(code))),
        None => Failure::Unreachable(Undelivered::Unreachable(error.into())),
    }
}

/// Amazon's word, and nothing that could hide in its place.
fn word(code: &str) -> String {
    let is_word = !code.is_empty() && code.len() <= 64 && code.bytes().all(|it| it.is_ascii_alphanumeric());
    if is_word { code.to_owned() } else { "something unheard of".to_owned() }
}
