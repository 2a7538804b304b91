//! The rights that shipping asks for.

use kernel_application::Operation;

/// To see items, batches and transports.
pub const READ: Operation = Operation::new("shipping:read");
/// To register, pack, load, plan, start and complete.
pub const WRITE: Operation = Operation::new("shipping:write");
