//! The chapters of the document.

use poem_openapi::Tags;

/// One chapter per context.
#[derive(Tags)]
#[oai(rename_all = "lowercase")]
pub(crate) enum Tag {
    /// Signing up and in, sessions and API keys.
    Auth,
    /// Users and their profiles.
    User,
    /// Distribution centers.
    Distribution,
    /// Items, batches and transports.
    Shipping,
}
