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
    /// Somebody left.
    Deactivated {
        /// Who.
        user_id: UserId,
    },
    /// Somebody was thrown out for good.
    Banned {
        /// Who.
        user_id: UserId,
    },
    /// Somebody's account was switched off, for now.
    Suspended {
        /// Whose.
        user_id: UserId,
    },
    /// Somebody's account can be used again.
    Reinstated {
        /// Whose.
        user_id: UserId,
    },
}

impl UserEvent {
    fn user_id(&self) -> UserId {
        match self {
            Self::SignedUp { user_id }
            | Self::Deactivated { user_id }
            | Self::Banned { user_id }
            | Self::Suspended { user_id }
            | Self::Reinstated { user_id } => *user_id,
        }
    }
}

impl DomainEvent for UserEvent {
    const CONTEXT: &'static str = "user";

    fn name(&self) -> &'static str {
        match self {
            Self::SignedUp { .. } => "UserSignup",
            Self::Deactivated { .. } => "UserDeactivated",
            Self::Banned { .. } => "UserBanned",
            Self::Suspended { .. } => "UserSuspended",
            Self::Reinstated { .. } => "UserReinstated",
        }
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate { kind: "user", id: self.user_id().as_uuid() }
    }

    /// Identifiers are written as 32 hexadecimal digits, without dashes.
    fn data(&self) -> Vec<(&'static str, String)> {
        vec![("uuid", self.user_id().as_uuid().as_simple().to_string())]
    }
}
