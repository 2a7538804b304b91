//! Whose access tokens are good no more, although they have not expired: known to every instance, at no cost for a request.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use auth_domain::{AccountId, SessionId};
use chrono::{DateTime, TimeDelta, Utc};
use kernel_domain::StoreError;

use crate::Auth;
use crate::tokens::ACCESS_LIFETIME;

/// How far back each look goes: a unit of work that noted an end and has not committed yet is younger than that.
const OVERLAP: TimeDelta = TimeDelta::minutes(1);

/// Sessions and accounts that ended so recently that access tokens of theirs may be around.
///
/// What ends is kept by the store; [`Auth::look_for_ended`] brings it here a few times a second, so that nothing
/// but the store has to work for a sign-out to reach every instance.
#[derive(Default)]
pub struct EndedSessions(RwLock<Ended>);

#[derive(Default)]
struct Ended {
    /// With when they ended. At most as many as end in [`ACCESS_LIFETIME`].
    sessions: HashMap<SessionId, DateTime<Utc>>,
    accounts: HashSet<AccountId>,
    /// When the store was last asked.
    looked_at: Option<DateTime<Utc>>,
}

impl EndedSessions {
    /// Notes sessions that have just ended here.
    pub(crate) fn note(&self, sessions: impl IntoIterator<Item = SessionId>, now: DateTime<Utc>) {
        let mut ended = self.write();
        ended.sessions.extend(sessions.into_iter().map(|it| (it, now)));
    }

    /// Notes an account that has just been closed here.
    pub(crate) fn note_account(&self, account: AccountId) {
        self.write().accounts.insert(account);
    }

    /// Whether tokens of this session are good no more.
    pub(crate) fn has(&self, session: SessionId, account: AccountId) -> bool {
        let ended = self.read();
        ended.accounts.contains(&account) || ended.sessions.contains_key(&session)
    }

    /// Whether this account was closed.
    pub(crate) fn has_account(&self, account: AccountId) -> bool {
        self.read().accounts.contains(&account)
    }

    fn read(&self) -> RwLockReadGuard<'_, Ended> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ended> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Auth {
    /// Looks whose tokens are good no more. To be called a few times a second; two statements.
    pub async fn look_for_ended(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let oldest = now - ACCESS_LIFETIME - OVERLAP;
        let looked_at = self.ended.read().looked_at;
        let since = looked_at.map_or(oldest, |it| (it - OVERLAP).max(oldest));
        let sessions = self.queries.ended_since(since).await?;
        let accounts = self.accounts.deactivated_since(oldest).await?;

        let mut ended = self.ended.write();
        ended.sessions.retain(|_, at| *at >= oldest);
        ended.sessions.extend(sessions);
        ended.accounts = accounts.into_iter().collect();
        ended.looked_at = Some(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use auth_domain::testing::an_account;
    use kernel_application::Clock;
    use kernel_application::testing::noon;
    use uuid::Uuid;

    use super::*;
    use crate::testing::World;

    struct Adjustable(Mutex<DateTime<Utc>>);

    impl Clock for Adjustable {
        fn now(&self) -> DateTime<Utc> {
            *self.0.lock().expect("nobody panics here")
        }
    }

    fn session(number: u128) -> SessionId {
        SessionId::new(Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn what_ended_elsewhere_is_known_after_a_look() {
        let (here, gone) = (an_account(), an_account());
        let mut world = World::default();
        world.queries.expect_ended_since().returning(|_| Ok(vec![(session(1), noon())]));
        world.accounts.expect_deactivated_since().returning(move |_| Ok(vec![gone]));
        let (auth, _) = world.commits();
        assert!(!auth.ended.has(session(1), here));

        auth.look_for_ended().await.expect("the store answers");

        assert!(auth.ended.has(session(1), here));
        assert!(auth.ended.has(session(2), gone));
        assert!(!auth.ended.has(session(2), here));
    }

    #[tokio::test]
    async fn the_first_look_covers_every_token_and_the_next_ones_what_may_have_been_committed_since() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut world = World::default();
        let noted = asked.clone();
        world.queries.expect_ended_since().returning(move |since| {
            noted.lock().expect("nobody panics here").push(noon() - since);
            Ok(vec![])
        });
        world.accounts.expect_deactivated_since().returning(|_| Ok(vec![]));
        let (auth, _) = world.commits();

        auth.look_for_ended().await.expect("the store answers");
        auth.look_for_ended().await.expect("the store answers");

        assert_eq!(*asked.lock().expect("nobody panics here"), [ACCESS_LIFETIME + OVERLAP, OVERLAP]);
    }

    #[tokio::test]
    async fn what_no_token_is_left_of_is_forgotten() {
        let clock = Arc::new(Adjustable(Mutex::new(noon())));
        let mut world = World::default();
        world.queries.expect_ended_since().returning(|_| Ok(vec![]));
        world.accounts.expect_deactivated_since().returning(|_| Ok(vec![]));
        let (mut auth, _) = world.commits();
        auth.clock = clock.clone();
        auth.ended.note([session(1)], noon());

        *clock.0.lock().expect("nobody panics here") = noon() + ACCESS_LIFETIME + OVERLAP + TimeDelta::seconds(1);
        auth.look_for_ended().await.expect("the store answers");

        assert!(!auth.ended.has(session(1), an_account()));
    }
}
