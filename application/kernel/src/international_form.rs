//! How phone numbers are written, as a port.

use kernel_domain::PhoneNumber;

/// Knows how each country writes its numbers in international form (ITU-T E.164).
pub trait InternationalForm: Send + Sync {
    /// The number in the form that it is kept in: some write a zero too many. One that nobody can have stays as it is.
    fn of(&self, number: &PhoneNumber) -> PhoneNumber;
}
