//! Who asks, and what they may do.

use std::fmt;
use std::sync::Arc;

use kernel_domain::{BoxError, CorrelationId};
use uuid::Uuid;

/// Something that takes a right: `shipping:write`. Each context names its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operation(&'static str);

impl Operation {
    /// Names an operation as `context:verb`.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name, as rights and API key scopes spell it.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Decides what a credential allows. The decision is made per request, so that whatever the
/// holder of a token took away from it stays away.
pub trait Rights: Send + Sync {
    /// Whether `operation` is allowed. An error means that no decision could be made in time.
    fn allow(&self, operation: Operation) -> Result<bool, BoxError>;
}

/// Why an actor was turned away.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The credential does not give the right.
    #[error("this takes the right to {0}")]
    Forbidden(Operation),
    /// No decision could be made; asking again is safe.
    #[error("the right to {0} could not be decided")]
    Undecided(Operation, #[source] BoxError),
}

/// Whose credential it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Somebody who signed in.
    User {
        /// Who.
        user_id: Uuid,
        /// The sign-in that it is.
        session_id: Uuid,
    },
    /// A machine.
    ApiKey {
        /// The key that it shows.
        key_id: Uuid,
    },
}

/// Whoever makes a request, with the rights of the credential they showed.
#[derive(Clone)]
pub struct Actor {
    /// Whose credential it was.
    pub identity: Identity,
    /// The request this is about.
    pub correlation_id: CorrelationId,
    rights: Arc<dyn Rights>,
}

impl Actor {
    /// An actor with the rights given.
    pub fn new(identity: Identity, correlation_id: CorrelationId, rights: Arc<dyn Rights>) -> Self {
        Self { identity, correlation_id, rights }
    }

    /// The user, unless a machine asks.
    pub fn user_id(&self) -> Option<Uuid> {
        match self.identity {
            Identity::User { user_id, .. } => Some(user_id),
            Identity::ApiKey { .. } => None,
        }
    }

    /// The first line of every use case that is not open to all.
    pub fn require(&self, operation: Operation) -> Result<(), Denied> {
        if self.may(operation)? { Ok(()) } else { Err(Denied::Forbidden(operation)) }
    }

    /// Whether the credential gives a right, for a use case that does less without it.
    pub fn may(&self, operation: Operation) -> Result<bool, Denied> {
        self.rights.allow(operation).map_err(|cause| Denied::Undecided(operation, cause))
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor")
            .field("identity", &self.identity)
            .field("correlation_id", &self.correlation_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIVE: Operation = Operation::new("shipping:drive");

    /// The right to drive, and no decision about anything else.
    struct Driving;

    impl Rights for Driving {
        fn allow(&self, operation: Operation) -> Result<bool, BoxError> {
            if operation.name() == "shipping:pay" {
                return Err("there is no time".into());
            }
            Ok(operation == DRIVE)
        }
    }

    fn an_actor(identity: Identity) -> Actor {
        Actor::new(identity, CorrelationId::from(Uuid::from_u128(1)), Arc::new(Driving))
    }

    fn a_machine() -> Actor {
        an_actor(Identity::ApiKey { key_id: Uuid::from_u128(2) })
    }

    #[test]
    fn whoever_has_a_right_may_and_whoever_has_not_is_told_which_one_it_takes() {
        assert!(a_machine().require(DRIVE).is_ok());
        assert!(matches!(a_machine().may(DRIVE), Ok(true)));

        let read = Operation::new("shipping:read");
        let denied = a_machine().require(read).expect_err("there is no such right");
        assert_eq!(denied.to_string(), "this takes the right to shipping:read");
        assert!(matches!(a_machine().may(read), Ok(false)));
    }

    #[test]
    fn what_could_not_be_decided_is_neither_allowed_nor_forbidden() {
        let undecided = a_machine().require(Operation::new("shipping:pay"));

        assert!(matches!(undecided, Err(Denied::Undecided(..))), "{undecided:?}");
    }

    #[test]
    fn a_machine_is_no_user() {
        let (user_id, session_id) = (Uuid::from_u128(3), Uuid::from_u128(4));

        assert_eq!(an_actor(Identity::User { user_id, session_id }).user_id(), Some(user_id));
        assert_eq!(a_machine().user_id(), None);
    }

    #[test]
    fn a_log_shows_who_asked() {
        let shown = format!("{:?}", a_machine());

        assert!(shown.contains("ApiKey") && shown.contains(&Uuid::from_u128(2).to_string()), "{shown}");
    }
}
