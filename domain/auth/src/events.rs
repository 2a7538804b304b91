//! What happened in auth, in the words that others subscribe to.

use kernel_domain::{Aggregate, DomainEvent};

use crate::{ChallengeId, OneTimeToken, PhoneNumber};

/// A fact about who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthEvent {
    /// A token is to be sent to a number.
    VerificationAttempt {
        /// The challenge that it answers.
        challenge_id: ChallengeId,
        /// Where it goes.
        phone_number: PhoneNumber,
        /// What is sent.
        token: OneTimeToken,
    },
    /// A token is sent to nobody, and the time that it takes tells nobody so.
    VerificationWithheld {
        /// The challenge that nobody can answer.
        challenge_id: ChallengeId,
        /// Where it does not go.
        phone_number: PhoneNumber,
        /// What is not sent.
        token: OneTimeToken,
    },
}

impl AuthEvent {
    /// The same, but that nobody hears of it.
    #[must_use]
    pub fn withheld(self) -> Self {
        match self {
            Self::VerificationAttempt { challenge_id, phone_number, token }
            | Self::VerificationWithheld { challenge_id, phone_number, token } => {
                Self::VerificationWithheld { challenge_id, phone_number, token }
            }
        }
    }
}

impl DomainEvent for AuthEvent {
    const CONTEXT: &'static str = "auth";

    fn name(&self) -> &'static str {
        match self {
            Self::VerificationAttempt { .. } => "verification_attempt",
            Self::VerificationWithheld { .. } => "verification_withheld",
        }
    }

    fn aggregate(&self) -> Aggregate {
        match self {
            Self::VerificationAttempt { challenge_id, .. } | Self::VerificationWithheld { challenge_id, .. } => {
                Aggregate { kind: "challenge", id: challenge_id.as_uuid() }
            }
        }
    }

    fn data(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::VerificationAttempt { phone_number, token, .. }
            | Self::VerificationWithheld { phone_number, token, .. } => {
                vec![("token", token.expose().to_owned()), ("phonenumber", phone_number.as_str().to_owned())]
            }
        }
    }

    fn is_confidential(&self) -> bool {
        match self {
            Self::VerificationAttempt { .. } | Self::VerificationWithheld { .. } => true,
        }
    }

    fn is_withheld(&self) -> bool {
        match self {
            Self::VerificationAttempt { .. } => false,
            Self::VerificationWithheld { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;
    use crate::testing::{a_challenge, a_phone_number};

    /// Others subscribe to these words: a change here breaks them.
    #[test]
    fn the_published_language_does_not_change() {
        let (new, phone_number) = (a_challenge(Purpose::SignIn), a_phone_number());
        let data = [("token", "123456".to_owned()), ("phonenumber", phone_number.as_str().to_owned())];

        let sent = AuthEvent::VerificationAttempt { challenge_id: new.id, phone_number, token: new.token };

        assert_eq!(sent.name(), "verification_attempt");
        assert_eq!(sent.aggregate(), Aggregate { kind: "challenge", id: new.id.as_uuid() });
        assert_eq!(sent.data(), data);
        assert!(sent.is_confidential() && !sent.is_withheld());
    }

    /// The row that it takes in the outbox, and the time to keep it, are those of a token that goes out.
    #[test]
    fn a_token_that_is_sent_to_nobody_is_kept_as_one_that_is_sent() {
        let (new, phone_number) = (a_challenge(Purpose::SignIn), a_phone_number());
        let sent = AuthEvent::VerificationAttempt { challenge_id: new.id, phone_number, token: new.token };

        let withheld = sent.clone().withheld();

        assert_eq!(withheld.name(), "verification_withheld");
        assert_eq!((withheld.aggregate(), withheld.data()), (sent.aggregate(), sent.data()));
        assert!(withheld.is_confidential() && withheld.is_withheld());
        assert_eq!(withheld.clone().withheld(), withheld);
    }
}
