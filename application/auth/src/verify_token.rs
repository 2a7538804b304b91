//! Somebody asks whether an access token is good.

use crate::{Auth, RequestFacts, TokenRefused};

impl Auth {
    /// Whether an access token is good now, whatever it may be shown for. Touches no database.
    pub fn verify_token(&self, token: &str) -> Result<(), TokenRefused> {
        let nothing = RequestFacts { method: String::new(), path: String::new() };
        let verified = self.access_tokens.verify(token, &nothing, self.clock.now())?;
        if self.ended.has(verified.session_id, verified.account_id) { Err(TokenRefused::Invalid) } else { Ok(()) }
    }
}
