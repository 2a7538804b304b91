//! A user context whose ports are mocks, and what became of its units of work.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use kernel_application::testing::{AsWritten, Committed, CountingIds, Noon, PlainHash};
use kernel_domain::{MockOutbox, Outbox, StoreError};
use user_domain::testing::a_registration;
use user_domain::{
    DiscardedImageRepository, MockDiscardedImageRepository, MockUserRepository, Registration, User, UserId,
    UserRepository, UserState, UserStore, UserWork,
};

use crate::{MockImageEditor, MockImageStore, MockUserQueries, ProfileRecord, Users};

/// The repositories of one unit of work, as mocks.
#[derive(Default)]
pub struct MockedWork {
    /// The users.
    pub users: MockUserRepository,
    /// Pictures to be removed.
    pub discarded_images: MockDiscardedImageRepository,
    /// The events.
    pub outbox: MockOutbox,
    committed: Committed,
}

#[async_trait]
impl UserWork for MockedWork {
    fn users(&mut self) -> &mut dyn UserRepository {
        &mut self.users
    }

    fn discarded_images(&mut self) -> &mut dyn DiscardedImageRepository {
        &mut self.discarded_images
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        &mut self.outbox
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.note();
        Ok(())
    }
}

struct Prepared(Mutex<VecDeque<MockedWork>>);

#[async_trait]
impl UserStore for Prepared {
    async fn begin(&self) -> Result<Box<dyn UserWork>, StoreError> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            Some(work) => Ok(Box::new(work)),
            None => Err(StoreError::unavailable("no further unit of work was expected")),
        }
    }
}

/// Everything around the user context; a test changes what it is about.
#[derive(Default)]
pub struct World {
    /// The first unit of work that the use case will get.
    pub work: MockedWork,
    /// The second.
    pub second_work: MockedWork,
    /// The read side.
    pub queries: MockUserQueries,
    /// Draws pictures again.
    pub image_editor: MockImageEditor,
    /// Keeps pictures.
    pub images: MockImageStore,
}

impl World {
    /// A world in which the first unit of work finds this user.
    pub fn with_user(user: &User) -> Self {
        let mut world = Self::default();
        let found = user.clone();
        let id = user.id();
        world.work.users.expect_find().withf(move |it| *it == id).returning(move |_| Ok(Some(found.clone())));
        world
    }

    /// The user context in this world, and whether its first unit of work will be kept.
    pub fn commits(mut self) -> (Users, Committed) {
        let committed = Committed::default();
        self.work.committed = committed.clone();
        let users = Users {
            store: Arc::new(Prepared(Mutex::new(VecDeque::from([self.work, self.second_work])))),
            queries: Arc::new(self.queries),
            international_form: Arc::new(AsWritten),
            image_editor: Arc::new(self.image_editor),
            images: Arc::new(self.images),
            hash: Arc::new(PlainHash),
            clock: Arc::new(Noon),
            ids: Arc::new(CountingIds::default()),
        };
        (users, committed)
    }
}

/// Somebody from the staff who joined at noon, with this id.
pub fn a_user(id: UserId) -> User {
    User::register(Registration { id, ..a_registration() }, kernel_application::testing::noon()).0
}

/// What the read side knows of [`a_user`].
pub fn a_profile(user: &User) -> ProfileRecord {
    let kept = user.snapshot();
    ProfileRecord {
        id: kept.id,
        username: kept.username,
        phone_number: kept.phone_number,
        role: kept.role,
        full_name: kept.profile.full_name.map(|it| it.as_str().to_owned()),
        image: kept.profile.image,
        state: UserState::Active,
    }
}
