//! Profiles are kept as they are, and until a unit of work changes them.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::NaiveDate;
use kernel_domain::StoreError;
use tokio::task::yield_now;
use user_application::testing::{MockedWork, a_profile, a_user};
use user_application::{AccountName, MockUserQueries, ProfileRecord, UserQueries};
use user_domain::testing::{a_phone_number, noon};
use user_domain::{
    DiscardedImageRepository, GroupName, ImageFormat, ImageKey, PhoneNumber, PhoneNumberHash, Role, User, UserId,
    UserRepository, UserState, UserStore, UserType, UserWork, Username,
};
use uuid::Uuid;

use super::*;
use crate::views::View;
use crate::views::testing::{Shared, after_a_glance};

fn an_id() -> UserId {
    UserId::new(Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_1234_5678_9abc))
}

fn a_drivers_profile() -> ProfileRecord {
    ProfileRecord {
        id: an_id(),
        username: Username::parse("821012345678").unwrap(),
        phone_number: Some(PhoneNumber::parse("+821012345678").unwrap()),
        role: Role::Driver { date_of_birth: NaiveDate::from_ymd_opt(1990, 2, 28) },
        full_name: Some("김 \"Ann\"".to_owned()),
        image: Some(ImageKey::new(UserType::Driver, Uuid::from_u128(7), ImageFormat::Jpeg)),
        state: UserState::Inactive { since: noon() },
    }
}

#[test]
fn every_profile_comes_back_as_it_was() {
    let driver = a_drivers_profile();
    let groups = vec![GroupName::parse("dispatch").unwrap(), GroupName::parse("night shift").unwrap()];
    let staff = ProfileRecord {
        phone_number: None,
        role: Role::Staff { groups },
        full_name: None,
        image: None,
        state: UserState::Active,
        ..driver.clone()
    };
    let unknown_age = ProfileRecord { role: Role::Driver { date_of_birth: None }, ..driver.clone() };
    let of_nobody = ProfileRecord { username: Username::of_nobody(an_id()), ..staff.clone() };
    let hash = Some(PhoneNumberHash::new([200; 32]));
    let gone = [
        UserState::Banned { at: noon(), phone_number: hash },
        UserState::Banned { at: noon(), phone_number: None },
        UserState::Unregistered { at: noon() },
    ];
    let gone = gone.map(|state| ProfileRecord { state, ..of_nobody.clone() });

    for profile in [driver, staff, unknown_age].into_iter().chain(gone) {
        let kept = serde_json::to_vec(&profile.kept()).unwrap();
        assert_eq!(ProfileRecord::restored(serde_json::from_slice(&kept).unwrap()), Some(profile));
    }
}

#[test]
fn a_profile_is_kept_in_the_form_that_its_kind_names() {
    let kept = serde_json::to_string(&a_drivers_profile().kept()).unwrap();

    let form = r#"{"id":"0190a3f0-7b1c-7d2e-8f00-123456789abc","username":"821012345678","phone_number":"+821012345678","role":{"Driver":{"date_of_birth":"1990-02-28"}},"full_name":"김 \"Ann\"","image":"images/user/driver/00000000000000000000000000000007.jpg","state":{"Inactive":{"since":1767355200000000}}}"#;
    assert_eq!((ProfileRecord::KIND, kept.as_str()), ("user:profile:1", form), "another form is another kind");
}

/// Users, as units of work leave them.
#[derive(Default)]
struct Table {
    users: Mutex<HashMap<UserId, User>>,
    reads: AtomicUsize,
    is_answer_lost: AtomicBool,
    never_answers: AtomicBool,
    /// What somebody does right before the next commit.
    meanwhile: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
}

struct TableStore(Arc<Table>);

struct TableWork {
    table: Arc<Table>,
    changes: Vec<User>,
    others: MockedWork,
}

#[async_trait]
impl UserStore for TableStore {
    async fn begin(&self) -> Result<Box<dyn UserWork>, StoreError> {
        Ok(Box::new(TableWork { table: self.0.clone(), changes: Vec::new(), others: MockedWork::default() }))
    }
}

#[async_trait]
impl UserWork for TableWork {
    fn users(&mut self) -> &mut dyn UserRepository {
        self
    }

    fn discarded_images(&mut self) -> &mut dyn DiscardedImageRepository {
        self.others.discarded_images()
    }

    fn outbox(&mut self) -> &mut dyn kernel_domain::Outbox {
        self.others.outbox()
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let meanwhile = self.table.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        self.table.users.lock().unwrap().extend(self.changes.into_iter().map(|it| (it.id(), it)));
        if self.table.never_answers.load(Relaxed) {
            std::future::pending::<()>().await;
        }
        if self.table.is_answer_lost.load(Relaxed) { Err(StoreError::unavailable("gone")) } else { Ok(()) }
    }
}

#[async_trait]
impl UserRepository for TableWork {
    async fn add(&mut self, user: &User) -> Result<(), StoreError> {
        self.changes.push(user.clone());
        Ok(())
    }

    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.table.users.lock().unwrap().get(&id).cloned())
    }

    async fn save(&mut self, user: &User) -> Result<(), StoreError> {
        self.add(user).await
    }
}

struct World {
    table: Arc<Table>,
    store: Arc<dyn UserStore>,
    queries: Arc<dyn UserQueries>,
}

impl World {
    fn new() -> Self {
        Self::of(&Arc::default(), &ViewCache::alone())
    }

    /// A process that keeps these views of the table.
    fn of(table: &Arc<Table>, views: &ViewCache) -> Self {
        let mut queries = MockUserQueries::new();
        let read = table.clone();
        queries.expect_profiles().returning(move |ids| {
            read.reads.fetch_add(1, Relaxed);
            let users = read.users.lock().unwrap();
            Ok(ids.iter().filter_map(|id| users.get(id)).map(a_profile).collect())
        });
        Self {
            store: views.user_store(Arc::new(TableStore(table.clone()))),
            queries: views.user_queries(Arc::new(queries)),
            table: table.clone(),
        }
    }

    async fn username(&self) -> Option<String> {
        let profiles = self.queries.profiles(&[an_id()]).await.unwrap();
        profiles.first().map(|it| it.username.as_str().to_owned())
    }

    fn reads(&self) -> usize {
        self.table.reads.load(Relaxed)
    }
}

fn renamed(name: &str) -> User {
    let kept = a_user(an_id()).snapshot();
    User::from(user_domain::UserSnapshot { username: Username::parse(name).unwrap(), ..kept })
}

#[tokio::test]
async fn who_was_added_or_saved_is_read_anew_after_the_commit() {
    let world = World::new();
    assert_eq!(world.username().await, None);

    let mut work = world.store.begin().await.unwrap();
    work.users().add(&renamed("ann")).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(world.username().await.as_deref(), Some("ann"));

    let mut work = world.store.begin().await.unwrap();
    work.users().save(&renamed("bob")).await.unwrap();
    assert_eq!(world.username().await.as_deref(), Some("ann"));
    work.commit().await.unwrap();
    assert_eq!(world.username().await.as_deref(), Some("bob"));
    assert_eq!(world.username().await.as_deref(), Some("bob"));
    assert_eq!(world.reads(), 3);
}

#[tokio::test]
async fn who_reads_right_before_the_commit_keeps_nothing_old() {
    let world = World::new();
    world.table.users.lock().unwrap().insert(an_id(), renamed("ann"));
    let queries = world.queries.clone();
    let read = async move {
        let found = queries.profiles(&[an_id()]).await.unwrap();
        assert_eq!(found[0].username.as_str(), "ann");
    };
    *world.table.meanwhile.lock().unwrap() = Some(Box::pin(read));

    let mut work = world.store.begin().await.unwrap();
    work.users().save(&renamed("bob")).await.unwrap();
    work.commit().await.unwrap();

    assert!(world.table.meanwhile.lock().unwrap().is_none(), "it was read");
    assert_eq!(world.username().await.as_deref(), Some("bob"));
}

#[tokio::test]
async fn a_commit_that_gave_no_answer_may_have_been_made() {
    let world = World::new();
    world.table.is_answer_lost.store(true, Relaxed);
    assert_eq!(world.username().await, None);

    let mut work = world.store.begin().await.unwrap();
    work.users().add(&renamed("ann")).await.unwrap();
    assert!(work.commit().await.is_err());

    assert_eq!(world.username().await.as_deref(), Some("ann"));
}

#[tokio::test(start_paused = true)]
async fn who_dies_once_a_change_is_kept_leaves_nothing_old_behind() {
    const TURNS: usize = 100;
    let (shared, table) = (Arc::<Shared>::default(), Arc::<Table>::default());
    table.users.lock().unwrap().insert(an_id(), renamed("ann"));
    let (dying, other) = (World::of(&table, &shared.views()), World::of(&table, &shared.views()));
    assert_eq!(other.username().await.as_deref(), Some("ann"), "it is kept for a day");

    table.never_answers.store(true, Relaxed);
    let mut work = dying.store.begin().await.unwrap();
    work.users().save(&renamed("bob")).await.unwrap();
    // It is not dropped before the test is over: the dead clean nothing up.
    let _dead = tokio::spawn(async move { work.commit().await });
    for _ in 0..TURNS {
        yield_now().await;
    }
    let kept = table.users.lock().unwrap().get(&an_id()).map(|it| it.snapshot().username.as_str().to_owned());
    assert_eq!(kept.as_deref(), Some("bob"));

    after_a_glance().await;
    assert_eq!(other.username().await.as_deref(), Some("bob"));
}

#[tokio::test]
async fn what_was_only_found_or_never_committed_is_kept() {
    let world = World::new();
    assert_eq!(world.username().await, None);

    let mut work = world.store.begin().await.unwrap();
    assert_eq!(work.users().find(an_id()).await.unwrap(), None);
    work.commit().await.unwrap();
    let mut work = world.store.begin().await.unwrap();
    work.users().add(&renamed("ann")).await.unwrap();
    drop(work);

    assert_eq!(world.username().await, None);
    assert_eq!(world.reads(), 1);
}

#[tokio::test]
async fn what_decides_who_may_sign_in_is_read_each_time() {
    let mut inner = MockUserQueries::new();
    inner.expect_account().times(2).returning(|_| Ok(None));
    let queries = ViewCache::alone().user_queries(Arc::new(inner));

    let name = AccountName::PhoneNumber(a_phone_number());
    assert_eq!(queries.account(&name).await.unwrap(), None);
    assert_eq!(queries.account(&name).await.unwrap(), None);
}
