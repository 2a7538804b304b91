//! The rights that distribution asks for.

use kernel_application::Operation;

/// To see the list of centers.
pub const READ: Operation = Operation::new("distribution:read");
/// To look a center up, and to change what there is.
pub const MANAGE: Operation = Operation::new("distribution:manage");
