//! What happened to users, in the words that others subscribe to.

use kernel_domain::{Aggregate, DomainEvent};

use crate::UserId;

/// A fact about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserEvent {
    /// Somebody is new.
    SignedUp {
        /// Who.
        user_id: UserId,
    },
}

impl DomainEvent for UserEvent {
    const CONTEXT: &'static str = "user";

    fn name(&self) -> &'static str {
        match self {
            Self::SignedUp { .. } => "UserSignup",
        }
    }

    fn aggregate(&self) -> Aggregate {
        match self {
            Self::SignedUp { user_id } => Aggregate { kind: "user", id: user_id.as_uuid() },
        }
    }

    /// Identifiers are written as 32 hexadecimal digits, without dashes.
    fn data(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::SignedUp { user_id } => vec![("uuid", user_id.as_uuid().as_simple().to_string())],
        }
    }
}
