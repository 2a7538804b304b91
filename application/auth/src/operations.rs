//! The rights that auth asks for.

use kernel_application::Operation;

/// To look after one's own sessions, password and account.
pub const OWN_SESSIONS: Operation = Operation::new("auth:self");
/// To have expired sessions deleted.
pub const PURGE_SESSIONS: Operation = Operation::new("auth:heartbeat");
/// To look after API keys.
pub const MANAGE_API_KEYS: Operation = Operation::new("auth:api-keys");
