//! One-time tokens on the wire: requested and shown alike, whatever they are for.

use std::sync::Arc;

use auth_application::{
    Auth, ConfirmToken, ConfirmTokenError, LimitReached, RequestToken, RequestTokenError, TokenRequested,
};
use auth_domain::{CannotRequest, OneTimeToken, PhoneNumber};
use chrono::{DateTime, Utc};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use serde_json::{Value, json};

use super::rules::{self, NUMBER, TOKEN};
use crate::body::Payload;
use crate::fields::{Fields, Input};
use crate::problem::Problem;
use crate::throttle;
use crate::timestamp::Timestamp;

/// Digits of the longest token: what is longer is a mistake, and costs no try.
const MAX_DIGITS: usize = 10;

/// A phone number.
pub(super) struct NumberBody(pub(super) PhoneNumber);

impl Input for NumberBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(fields.phone_number(NUMBER, "The phone number, in international form.").required()?))
    }
}

impl Payload for NumberBody {
    const NAME: &'static str = "PhoneNumber";

    fn example() -> Value {
        json!({ NUMBER: "+82 10-1234-5678" })
    }
}

/// A token that came by phone.
pub(super) struct TokenBody(pub(super) ConfirmToken);

impl Input for TokenBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        let phone_number = fields.phone_number(NUMBER, "The number that the token was sent to.").required();
        let token = fields.text(TOKEN, "The token that was sent.").max(MAX_DIGITS).required();
        let (phone_number, token) = (phone_number?, OneTimeToken::typed(token?));
        Some(Self(ConfirmToken { phone_number, token, earlier_session: None }))
    }
}

impl Payload for TokenBody {
    const NAME: &'static str = "OneTimeToken";

    fn example() -> Value {
        json!({ NUMBER: "+821012345678", TOKEN: "042042" })
    }
}

/// A token is on its way.
#[derive(Object, Serialize)]
#[oai(rename = "TokenRequested", skip_serializing_if_is_none, example)]
pub(super) struct RequestedBody {
    /// Until when the token is good. Numbers that need no token get none, and no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_expires: Option<Timestamp>,
}

impl Example for RequestedBody {
    fn example() -> Self {
        Self { timestamp_expires: Some(Timestamp::example()) }
    }
}

impl From<TokenRequested> for RequestedBody {
    fn from(requested: TokenRequested) -> Self {
        match requested {
            TokenRequested::Sent { expires_at } => Self { timestamp_expires: Some(expires_at.into()) },
            TokenRequested::NotNeeded => Self { timestamp_expires: None },
        }
    }
}

/// Has a token sent.
pub(super) async fn request(auth: &Arc<Auth>, command: RequestToken) -> Result<RequestedBody, Problem> {
    let requested = auth.request_token(command).await;
    Ok(requested.map_err(|error| not_sent(error, auth.clock.now()))?.into())
}

fn not_sent(error: RequestTokenError, now: DateTime<Utc>) -> Problem {
    match error {
        RequestTokenError::Unassignable(refusal) => Problem::refused(refusal.into()),
        RequestTokenError::Unknown => Problem::refused(rules::number_unknown()),
        RequestTokenError::Taken => Problem::refused(rules::number_taken()),
        RequestTokenError::Banned => Problem::refused(rules::number_banned()),
        RequestTokenError::Refused(CannotRequest::Blocked { until }) => {
            Problem::too_often(rules::number_blocked(), seconds_until(until, now))
        }
        RequestTokenError::Refused(CannotRequest::Stopped) => Problem::refused(rules::number_stopped()),
        RequestTokenError::LimitReached(limit) => limit.into(),
        RequestTokenError::Store(error) => error.into(),
    }
}

/// Whole seconds, rounded up: whoever waits as long as that may try again.
fn seconds_until(until: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    u64::try_from((until - now).num_milliseconds()).unwrap_or_default().div_ceil(1000).max(1)
}

impl From<LimitReached> for Problem {
    fn from(LimitReached { scope, rate, retry_after }: LimitReached) -> Self {
        // Nobody comes here by chance: somebody guesses, or has messages sent at our cost.
        tracing::warn!(scope, "a limit over all phone numbers is reached");
        Self::throttled(scope, rate, throttle::seconds(retry_after))
    }
}

impl From<ConfirmTokenError> for Problem {
    fn from(error: ConfirmTokenError) -> Self {
        match error {
            ConfirmTokenError::Unassignable(refusal) => Self::refused(refusal.into()),
            ConfirmTokenError::Refused(refusal) => Self::refused(refusal.into()),
            ConfirmTokenError::Wrong => Self::refused(rules::wrong_token()),
            ConfirmTokenError::LimitReached(limit) => limit.into(),
            ConfirmTokenError::Inactive => Self::unauthorized(rules::inactive()),
            ConfirmTokenError::Issue(error) => Self::internal(error),
            ConfirmTokenError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::is_written_as_it_is_described;

    #[test]
    fn answers_are_written_as_they_are_described() {
        for timestamp_expires in [None, Some(Timestamp::example())] {
            is_written_as_it_is_described(&RequestedBody { timestamp_expires });
        }
    }
}
