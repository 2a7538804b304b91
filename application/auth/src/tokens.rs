//! The two tokens that a session gives its holder.

use auth_domain::{Device, Session, SessionId};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{Account, Auth, Claims, IssueError, RefreshToken};

/// How long an access token is good.
pub(crate) const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// What proves that somebody has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPair {
    /// Opens doors for a quarter of an hour.
    pub access: String,
    /// Gets the next pair, once.
    pub refresh: RefreshToken,
}

impl Auth {
    /// A new session of this account, and its first tokens.
    pub(crate) fn new_session(
        &self,
        account: &Account,
        device: Device,
        now: DateTime<Utc>,
    ) -> Result<(Session, TokenPair), IssueError> {
        let refresh = self.refresh_tokens.fresh();
        let id = SessionId::new(self.ids.uuid());
        let session = Session::open(id, account.id, self.refresh_tokens.hash(&refresh), device, now);
        let access = self.access_token(account, &session, now)?;
        Ok((session, TokenPair { access, refresh }))
    }

    /// An access token that tells what the account may do now. It does not outlive its session.
    pub(crate) fn access_token(
        &self,
        account: &Account,
        session: &Session,
        now: DateTime<Utc>,
    ) -> Result<String, IssueError> {
        self.access_tokens.issue(&Claims {
            account_id: account.id,
            session_id: session.id(),
            account_type: account.account_type,
            is_staff: account.is_staff,
            is_superuser: account.is_superuser,
            groups: account.groups.clone(),
            expires_at: (now + ACCESS_LIFETIME).min(session.expires_at()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auth_domain::testing::session_of;
    use kernel_application::testing::noon;

    use super::*;
    use crate::MockAccessTokens;
    use crate::testing::{World, an_account};

    #[test]
    fn an_access_token_is_good_for_a_quarter_of_an_hour_and_no_longer_than_its_session() {
        let account = an_account();
        let session = session_of(account.id);
        for (now, good_until) in [
            (noon(), noon() + TimeDelta::minutes(15)),
            (session.expires_at() - TimeDelta::minutes(1), session.expires_at()),
        ] {
            let (mut auth, _) = World::default().commits();
            let mut tokens = MockAccessTokens::new();
            let issued = tokens.expect_issue().times(1).withf(move |it| it.expires_at == good_until);
            issued.returning(|_| Ok("signed".to_owned()));
            auth.access_tokens = Arc::new(tokens);

            assert_eq!(auth.access_token(&account, &session, now).expect("a token"), "signed");
        }
    }
}
