//! Where things are, on the wire.

/// The items.
pub const ITEMS: &str = "/api/v1/shipping/shippingitems/";
/// The batches.
pub const BATCHES: &str = "/api/v1/shipping/batches/";
/// The transports.
pub const TRANSPORTS: &str = "/api/v1/shipping/transports/";
/// The centers.
pub const CENTERS: &str = "/api/v1/distribution/centers/";
