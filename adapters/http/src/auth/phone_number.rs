//! `/auth/phonenumber/check/`

use std::sync::Arc;

use auth_application::{Auth, CheckPhoneNumberError};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::one_time_tokens::NumberBody;
use super::rules;
use crate::body::Body;
use crate::json::Json;
use crate::problem::Problem;
use crate::tags::Tag;
use crate::throttle::{AuthCheck, Throttled};

pub(crate) struct PhoneNumberApi {
    pub(super) auth: Arc<Auth>,
}

#[OpenApi(prefix_path = "/auth/phonenumber", tag = "Tag::Auth")]
impl PhoneNumberApi {
    /// Ask whether a phone number has an account
    ///
    /// If it has none, the answer is a problem with the status 404 that tells the number too.
    #[oai(path = "/check", method = "post", operation_id = "check_phone_number")]
    async fn check(
        &self,
        _admitted: Throttled<AuthCheck>,
        body: Body<NumberBody>,
    ) -> Result<Json<CheckedBody>, Problem> {
        let NumberBody(number) = body.0;
        let checked = self.auth.check_phone_number(&number).await?;
        let phonenumber = checked.phone_number.as_str().to_owned();
        if checked.has_account {
            Ok(Json(CheckedBody { phonenumber }))
        } else {
            Err(Problem::not_found().about_number(phonenumber))
        }
    }
}

/// A phone number that has an account.
#[derive(Object, Serialize)]
#[oai(rename = "CheckedPhoneNumber", example)]
struct CheckedBody {
    /// In E.164 form.
    phonenumber: String,
}

impl Example for CheckedBody {
    fn example() -> Self {
        Self { phonenumber: "+821012345678".to_owned() }
    }
}

impl From<CheckPhoneNumberError> for Problem {
    fn from(error: CheckPhoneNumberError) -> Self {
        match error {
            CheckPhoneNumberError::Unassignable(refusal) => Self::refused(refusal.into()),
            CheckPhoneNumberError::Banned => Self::refused(rules::number_banned()),
            CheckPhoneNumberError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::is_written_as_it_is_described;

    #[test]
    fn answers_are_written_as_they_are_described() {
        is_written_as_it_is_described(&CheckedBody::example());
    }
}
