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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auth_domain::testing::a_session;
    use kernel_application::testing::{every_right, noon};

    use crate::testing::World;
    use crate::{MockAccessTokens, TokenRefused, VerifiedToken};

    #[test]
    fn a_token_is_good_until_its_session_ends() {
        let session = a_session();
        let (account_id, session_id) = (session.account_id(), session.id());
        let (mut auth, _) = World::default().commits();
        let mut tokens = MockAccessTokens::new();
        let read = move |_: &_, _: &_, _| Ok(VerifiedToken { account_id, session_id, rights: every_right() });
        tokens.expect_verify().returning(read);
        auth.access_tokens = Arc::new(tokens);

        assert!(auth.verify_token("signed").is_ok());
        auth.ended.note([session_id], noon());

        assert!(matches!(auth.verify_token("signed"), Err(TokenRefused::Invalid)));
    }

    #[test]
    fn what_is_no_token_of_ours_is_refused() {
        let (mut auth, _) = World::default().commits();
        let mut tokens = MockAccessTokens::new();
        tokens.expect_verify().returning(|_, _, _| Err(TokenRefused::Invalid));
        auth.access_tokens = Arc::new(tokens);

        assert!(matches!(auth.verify_token("forged"), Err(TokenRefused::Invalid)));
    }
}
