//! The rights that the user context asks for.

use kernel_application::Operation;

/// To see and change one's own profile.
pub const OWN_PROFILE: Operation = Operation::new("user:self");
/// To see users, and to close their accounts.
pub const MANAGE_USERS: Operation = Operation::new("user:manage");
/// To change flags, addresses and groups of users.
pub const ADMINISTER_USERS: Operation = Operation::new("user:administer");
