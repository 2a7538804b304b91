//! The rights that the user context asks for.

use kernel_application::Operation;

/// To see one's own profile.
pub const OWN_PROFILE: Operation = Operation::new("user:self");
