//! The chapters of the document.

use poem_openapi::Tags;

/// One chapter per context.
#[derive(Tags)]
#[oai(rename_all = "lowercase")]
pub(crate) enum Tag {
    /// Signing in.
    Auth,
    /// Users and their profiles.
    User,
    /// Distribution centers.
    Distribution,
    /// Items, batches and transports.
    Shipping,
}
