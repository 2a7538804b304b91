//! The rights that shipping asks for.

use kernel_application::Operation;

/// To see items, batches and transports.
pub const READ: Operation = Operation::new("shipping:read");
/// To register, pack, load, plan, start and complete, and to change and delete.
pub const WRITE: Operation = Operation::new("shipping:write");
/// To see what is on one's own transports, and to start and complete those.
pub const DRIVE: Operation = Operation::new("shipping:drive");
