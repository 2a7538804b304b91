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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_published_language_does_not_change() {
        let user_id = UserId::new(Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_0000_0000_0001));
        for (event, name) in [
            (UserEvent::SignedUp { user_id }, "UserSignup"),
            (UserEvent::Deactivated { user_id }, "UserDeactivated"),
            (UserEvent::Banned { user_id }, "UserBanned"),
            (UserEvent::Suspended { user_id }, "UserSuspended"),
            (UserEvent::Reinstated { user_id }, "UserReinstated"),
        ] {
            assert_eq!(event.name(), name);
            assert_eq!(event.aggregate(), Aggregate { kind: "user", id: user_id.as_uuid() });
            assert_eq!(event.data(), [("uuid", "0190a3f07b1c7d2e8f00000000000001".to_owned())]);
        }
    }
}
