//! Numbers that are being proved: their challenges, which are the log of that, too.

use async_trait::async_trait;
use auth_domain::{
    AccountId, Challenge, ChallengeId, ChallengeState, PhoneNumber, PhoneVerification, Purpose, TokenHash,
    VerificationRepository,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::{Aggregate, StoreError};

use super::super::record::{self, Binds, CHUNK, Record, record};
use super::super::unit::FIRST_VERSION;
use super::Work;
use crate::error::store_error;
use crate::id::Id;
use crate::schema::auth_challenges;
use crate::sql::{Locked, Prepared, padded};

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = auth_challenges)]
pub(super) struct ChallengeRow {
    id: Id,
    phone_number: String,
    sequence: i32,
    is_newest: bool,
    purpose: String,
    account_id: Option<Id>,
    token_hash: Vec<u8>,
    requested_at: NaiveDateTime,
    expires_at: NaiveDateTime,
    wrong_tries: i32,
    failures_before: i32,
    state: String,
    decided_at: Option<NaiveDateTime>,
    version: i32,
}

record!(ChallengeRow in auth_challenges {
    id; phone_number, sequence, is_newest, purpose, account_id, token_hash, requested_at, expires_at, wrong_tries,
    failures_before, state, decided_at, version
});

#[async_trait]
impl VerificationRepository for Work {
    async fn find(&mut self, number: &PhoneNumber) -> Result<PhoneVerification, StoreError> {
        let latest = auth_challenges::table
            .filter(auth_challenges::phone_number.eq(number.as_str()))
            .order(auth_challenges::sequence.desc())
            .limit(i64::try_from(PhoneVerification::REQUESTS).unwrap_or(i64::MAX))
            .select(ChallengeRow::as_select());
        let latest: Vec<ChallengeRow> = Locked(latest).load(self.unit.connection()?).await.map_err(store_error)?;
        let newest = latest.as_slice().first();
        if let Some(newest) = newest {
            // Whoever had the lock before us requested another one, which is not among those that we waited for.
            if !newest.is_newest {
                return Err(overtaken());
            }
            self.unit.found(aggregate(ChallengeId::new(newest.id.0)), newest.version);
        }
        self.newest.insert(number.clone(), newest.cloned());
        let challenges = latest.into_iter().map(ChallengeRow::into_challenge).collect::<Result<_, _>>()?;
        Ok(PhoneVerification::of(number.clone(), challenges))
    }

    async fn save(&mut self, verification: &PhoneVerification) -> Result<(), StoreError> {
        let number = verification.phone_number();
        let before = self
            .newest
            .get(number)
            .cloned()
            .ok_or_else(|| StoreError::corrupt("unit of work", "a phone number is saved, but was never found"))?;
        let Some(challenge) = verification.newest() else { return Ok(()) };
        let aggregate = aggregate(challenge.id);
        let row = match before {
            Some(before) if before.id == Id(challenge.id.as_uuid()) => {
                let row = ChallengeRow::of(number, challenge, self.unit.next_version(aggregate)?)?;
                self.unit.save(&[aggregate], std::slice::from_ref(&row)).await?;
                row
            }
            before => {
                let row = ChallengeRow::of(number, challenge, FIRST_VERSION)?;
                // The last one gives way in the same statement. Where somebody else is in the new one's place, that
                // one's version does not fit, and nothing is written.
                let last = before.map(|it| ChallengeRow { is_newest: false, version: it.version + 1, ..it });
                let rows: Vec<_> = last.into_iter().chain([row.clone()]).collect();
                record::overwrite(self.unit.connection()?, &rows).await.map_err(store_error)?;
                self.unit.added(aggregate);
                row
            }
        };
        self.newest.insert(number.clone(), Some(row));
        Ok(())
    }

    async fn forget(&mut self, account: AccountId, until: DateTime<Utc>) -> Result<(), StoreError> {
        let numbers = auth_challenges::table
            .filter(auth_challenges::account_id.eq(Some(Id(account.as_uuid()))))
            .select(auth_challenges::phone_number)
            .distinct();
        let numbers: Vec<String> = numbers.load(self.unit.connection()?).await.map_err(store_error)?;
        for chunk in numbers.chunks(CHUNK) {
            let theirs = auth_challenges::table
                .filter(auth_challenges::phone_number.eq_any(padded(chunk)))
                .filter(auth_challenges::requested_at.le(until.naive_utc()));
            let theirs = Prepared::kept(diesel::delete(theirs));
            theirs.execute(self.unit.connection()?).await.map_err(store_error)?;
        }
        Ok(())
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let was_right = auth_challenges::state.eq_any(["CONFIRMED", "SPENT"]);
        let was_never_wrong = auth_challenges::failures_before.eq(0).and(auth_challenges::wrong_tries.eq(0));
        let old = auth_challenges::table
            .filter(auth_challenges::requested_at.lt(before.naive_utc()))
            .filter(auth_challenges::is_newest.eq(false).or(was_right).or(was_never_wrong))
            .order(auth_challenges::requested_at)
            .limit(i64::from(limit))
            .select(auth_challenges::id);
        let mut old: Vec<Id> = old.load(self.unit.connection()?).await.map_err(store_error)?;
        old.sort_unstable();
        let mut removed = 0;
        for chunk in old.chunks(CHUNK) {
            let these = auth_challenges::table.filter(auth_challenges::id.eq_any(padded(chunk.iter().copied())));
            let these = Prepared::kept(diesel::delete(these));
            removed += these.execute(self.unit.connection()?).await.map_err(store_error)?;
        }
        Ok(removed as u64)
    }
}

fn overtaken() -> StoreError {
    StoreError::Conflict("the phone number's verification".to_owned())
}

fn aggregate(id: ChallengeId) -> Aggregate {
    Aggregate { kind: "challenge", id: id.as_uuid() }
}

impl ChallengeRow {
    fn of(number: &PhoneNumber, challenge: &Challenge, version: i32) -> Result<Self, StoreError> {
        let count = |it: u32| i32::try_from(it).map_err(|error| StoreError::corrupt("challenge", error));
        let (state, decided_at) = match challenge.state {
            ChallengeState::Open => ("OPEN", None),
            ChallengeState::Confirmed { at } => ("CONFIRMED", Some(at)),
            ChallengeState::Spent { at } => ("SPENT", Some(at)),
            ChallengeState::Failed { at } => ("FAILED", Some(at)),
        };
        Ok(Self {
            id: Id(challenge.id.as_uuid()),
            phone_number: number.as_str().to_owned(),
            sequence: count(challenge.sequence)?,
            is_newest: true,
            purpose: challenge.purpose.name().to_owned(),
            account_id: challenge.account_id.map(|it| Id(it.as_uuid())),
            token_hash: challenge.token.as_bytes().to_vec(),
            requested_at: challenge.requested_at.naive_utc(),
            expires_at: challenge.expires_at.naive_utc(),
            wrong_tries: count(challenge.wrong_tries)?,
            failures_before: count(challenge.failures_before)?,
            state: state.to_owned(),
            decided_at: decided_at.map(|it| it.naive_utc()),
            version,
        })
    }

    fn into_challenge(self) -> Result<Challenge, StoreError> {
        let count = |it: i32| u32::try_from(it).map_err(|error| StoreError::corrupt("challenge", error));
        let unlike = |_| StoreError::corrupt("challenge", "the hash of its token is no digest");
        let unknown = || StoreError::corrupt("challenge", format!("its purpose is {}", self.purpose));
        Ok(Challenge {
            id: ChallengeId::new(self.id.0),
            sequence: count(self.sequence)?,
            purpose: Purpose::named(&self.purpose).ok_or_else(unknown)?,
            account_id: self.account_id.map(|it| AccountId::new(it.0)),
            token: TokenHash::new(self.token_hash.as_slice().try_into().map_err(unlike)?),
            requested_at: self.requested_at.and_utc(),
            expires_at: self.expires_at.and_utc(),
            wrong_tries: count(self.wrong_tries)?,
            failures_before: count(self.failures_before)?,
            state: self.state()?,
        })
    }

    fn state(&self) -> Result<ChallengeState, StoreError> {
        match (self.state.as_str(), self.decided_at.map(|it| it.and_utc())) {
            ("OPEN", None) => Ok(ChallengeState::Open),
            ("CONFIRMED", Some(at)) => Ok(ChallengeState::Confirmed { at }),
            ("SPENT", Some(at)) => Ok(ChallengeState::Spent { at }),
            ("FAILED", Some(at)) => Ok(ChallengeState::Failed { at }),
            (state, at) => Err(StoreError::corrupt("challenge", format!("it is {state}, decided at {at:?}"))),
        }
    }
}
