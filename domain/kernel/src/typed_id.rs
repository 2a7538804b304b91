//! Identifiers that cannot be mixed up.

/// Declares a typed identifier, so that a `DriverId` never stands in for a `TransportId`.
#[macro_export]
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name($crate::uuid::Uuid);

        impl $name {
            /// Takes the identifier's raw form.
            pub const fn new(value: $crate::uuid::Uuid) -> Self {
                Self(value)
            }

            /// The raw form, for stores and wires.
            pub const fn as_uuid(self) -> $crate::uuid::Uuid {
                self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
