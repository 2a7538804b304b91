//! A request shows an access token: who is it?

use kernel_application::Actor;
use kernel_domain::CorrelationId;

use crate::{Auth, RequestFacts, TokenRefused};

/// What a request shows.
pub struct PresentedToken<'a> {
    /// The token.
    pub token: &'a str,
    /// What is asked, for tokens that were narrowed.
    pub request: &'a RequestFacts,
    /// The request.
    pub correlation_id: CorrelationId,
}

/// Why nobody was recognised.
pub type AuthenticateError = TokenRefused;

impl Auth {
    /// Who shows this token, with the rights it gives in this request. Touches no database.
    pub fn authenticate(&self, presented: PresentedToken<'_>) -> Result<Actor, AuthenticateError> {
        let PresentedToken { token, request, correlation_id } = presented;
        let verified = self.access_tokens.verify(token, request, self.clock.now())?;
        Ok(Actor::new(Some(verified.account_id.as_uuid()), correlation_id, verified.rights))
    }
}
