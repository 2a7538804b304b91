//! Profiles, which every list and most requests show, and which hardly ever change.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use kernel_application::{Page, PageRequest};
use kernel_domain::StoreError;
use serde::{Deserialize, Serialize};
use user_application::{Account, AccountName, NumberStanding, ProfileRecord, UserFilter, UserQueries, UserView};
use user_domain::{GroupName, ImageKey, PhoneNumber, PhoneNumberHash, Role, UserId, UserState, Username};
use uuid::Uuid;

use crate::ViewCache;
use crate::views::View;

/// Keeps profiles, and passes everything else on: what decides who may sign in is read where it is true.
pub(super) struct CachedProfiles {
    pub(super) inner: Arc<dyn UserQueries>,
    pub(super) views: ViewCache,
}

#[async_trait]
impl UserQueries for CachedProfiles {
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<ProfileRecord>, StoreError> {
        let inner = self.inner.clone();
        let load = move |users: Vec<UserId>| {
            let inner = inner.clone();
            async move { inner.profiles(&users).await }
        };
        self.views.read(users, load).await
    }

    async fn account(&self, name: &AccountName) -> Result<Option<Account>, StoreError> {
        self.inner.account(name).await
    }

    async fn standing(&self, number: &PhoneNumber, hashes: &[PhoneNumberHash]) -> Result<NumberStanding, StoreError> {
        self.inner.standing(number, hashes).await
    }

    async fn deactivated_since(&self, since: DateTime<Utc>) -> Result<Vec<UserId>, StoreError> {
        self.inner.deactivated_since(since).await
    }

    async fn user(&self, id: UserId) -> Result<Option<UserView>, StoreError> {
        self.inner.user(id).await
    }

    async fn users(&self, filter: &UserFilter, page: PageRequest) -> Result<Option<Page<UserView>>, StoreError> {
        self.inner.users(filter, page).await
    }

    async fn discarded_images(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<ImageKey>, StoreError> {
        self.inner.discarded_images(now, limit).await
    }
}

impl View for ProfileRecord {
    const KIND: &'static str = "user:profile:1";
    const LIFETIME: Duration = Duration::from_hours(24);
    type Id = UserId;
    type Kept = KeptProfile;

    fn id(&self) -> UserId {
        self.id
    }

    fn kept(&self) -> KeptProfile {
        KeptProfile {
            id: self.id.as_uuid().to_string(),
            username: self.username.as_str().to_owned(),
            phone_number: self.phone_number.as_ref().map(|it| it.as_str().to_owned()),
            role: KeptRole::of(&self.role),
            full_name: self.full_name.clone(),
            image: self.image.as_ref().map(|it| it.as_str().to_owned()),
            state: KeptState::of(self.state),
        }
    }

    fn restored(kept: KeptProfile) -> Option<Self> {
        let KeptProfile { id, username, phone_number, role, full_name, image, state } = kept;
        Some(Self {
            id: UserId::new(Uuid::parse_str(&id).ok()?),
            username: Username::parse(&username).ok()?,
            phone_number: phone_number.map(|it| PhoneNumber::parse(&it)).transpose().ok()?,
            role: role.restored()?,
            full_name,
            image: image.map(|it| ImageKey::parse(&it)).transpose().ok()?,
            state: state.restored()?,
        })
    }
}

/// The form in which a profile is kept. A change of it is a change of [`ProfileRecord::KIND`](View::KIND).
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptProfile {
    id: String,
    username: String,
    phone_number: Option<String>,
    role: KeptRole,
    full_name: Option<String>,
    image: Option<String>,
    state: KeptState,
}

#[derive(Serialize, Deserialize)]
enum KeptRole {
    Staff {
        groups: Vec<String>,
    },
    /// The date as ISO 8601 has it.
    Driver {
        date_of_birth: Option<String>,
    },
}

impl KeptRole {
    fn of(role: &Role) -> Self {
        match role {
            Role::Staff { groups } => Self::Staff { groups: groups.iter().map(|it| it.as_str().to_owned()).collect() },
            Role::Driver { date_of_birth } => Self::Driver { date_of_birth: date_of_birth.map(|it| it.to_string()) },
        }
    }

    fn restored(self) -> Option<Role> {
        Some(match self {
            Self::Staff { groups } => {
                Role::Staff { groups: groups.iter().map(|it| GroupName::parse(it)).collect::<Result<_, _>>().ok()? }
            }
            Self::Driver { date_of_birth } => {
                Role::Driver { date_of_birth: date_of_birth.map(|it| it.parse::<NaiveDate>()).transpose().ok()? }
            }
        })
    }
}

/// Times are microseconds since 1970, which is what the database has.
#[derive(Serialize, Deserialize)]
enum KeptState {
    Active,
    Inactive { since: i64 },
    Banned { at: i64, phone_number: Option<[u8; 32]> },
    Unregistered { at: i64 },
}

impl KeptState {
    fn of(state: UserState) -> Self {
        match state {
            UserState::Active => Self::Active,
            UserState::Inactive { since } => Self::Inactive { since: since.timestamp_micros() },
            UserState::Banned { at, phone_number } => {
                Self::Banned { at: at.timestamp_micros(), phone_number: phone_number.map(|it| *it.as_bytes()) }
            }
            UserState::Unregistered { at } => Self::Unregistered { at: at.timestamp_micros() },
        }
    }

    fn restored(self) -> Option<UserState> {
        Some(match self {
            Self::Active => UserState::Active,
            Self::Inactive { since } => UserState::Inactive { since: DateTime::from_timestamp_micros(since)? },
            Self::Banned { at, phone_number } => UserState::Banned {
                at: DateTime::from_timestamp_micros(at)?,
                phone_number: phone_number.map(PhoneNumberHash::new),
            },
            Self::Unregistered { at } => UserState::Unregistered { at: DateTime::from_timestamp_micros(at)? },
        })
    }
}
