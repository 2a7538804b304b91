//! A distribution context whose ports are mocks, and what became of its unit of work.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use distribution_domain::{
    Center, CenterRepository, DistributionStore, DistributionWork, MockCenterRepository, StaffId,
};
use kernel_application::testing::{Committed, CountingIds, NoPause, Noon};
use kernel_domain::StoreError;

use crate::{
    CenterChanges, CenterSummary, Distribution, MockCenterUsage, MockDistributionQueries, MockStaffDirectory, Role,
    StaffMember,
};

/// The repositories of one unit of work, as mocks.
#[derive(Default)]
pub struct MockedWork {
    /// The centers.
    pub centers: MockCenterRepository,
    committed: Committed,
}

#[async_trait]
impl DistributionWork for MockedWork {
    fn centers(&mut self) -> &mut dyn CenterRepository {
        &mut self.centers
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.note();
        Ok(())
    }
}

struct FewWorks(Mutex<VecDeque<MockedWork>>);

#[async_trait]
impl DistributionStore for FewWorks {
    async fn begin(&self) -> Result<Box<dyn DistributionWork>, StoreError> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            Some(work) => Ok(Box::new(work)),
            None => Err(StoreError::unavailable("no further unit of work was expected")),
        }
    }
}

/// Everything around distribution; a test changes what it is about.
#[derive(Default)]
pub struct World {
    /// The unit of work that the use case will get last.
    pub work: MockedWork,
    /// Those that it gets before.
    pub before: Vec<MockedWork>,
    /// The read side.
    pub queries: MockDistributionQueries,
    /// Who relies on centers.
    pub usage: MockCenterUsage,
    /// Users who do not exist.
    pub unknown_staff: Vec<StaffId>,
    /// How often the user context is asked; 0 if it does not matter.
    pub staff_calls: usize,
}

impl World {
    /// A world in which there is this center: the read side knows it, and the unit of work finds it.
    pub fn with_center(center: &Center) -> Self {
        let mut world = Self::default();
        let (id, kept, summary) = (center.id(), center.clone(), CenterSummary::of(center));
        world.work.centers.expect_find().returning(move |it| Ok((it == id).then(|| kept.clone())));
        world.queries.expect_center().returning(move |it| Ok((it == id).then(|| summary.clone())));
        world
    }

    /// A world in which this center begins to close, and is used or not when that is asked.
    pub fn closing(center: &Center, is_used: Result<bool, StoreError>) -> Self {
        let mut world = Self::default();
        let (mut first, kept) = (MockedWork::default(), Arc::new(Mutex::new(center.clone())));
        let found = kept.clone();
        let find = move |_| Ok(Some(found.lock().unwrap_or_else(PoisonError::into_inner).clone()));
        first.centers.expect_find().times(1).returning(find.clone());
        first.centers.expect_save().times(1).returning(move |it| {
            it.clone_into(&mut kept.lock().unwrap_or_else(PoisonError::into_inner));
            Ok(())
        });
        world.work.centers.expect_find().returning(find);
        world.before.push(first);
        let (code, answer) = (center.code().clone(), Mutex::new(Some(is_used)));
        world.usage.expect_is_used().times(1).withf(move |it| *it == code).returning(move |_| {
            let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
            answer.unwrap_or_else(|| Err(StoreError::unavailable("it was told before")))
        });
        world
    }

    /// Distribution in this world, and whether its last unit of work will be kept.
    pub fn commits(mut self) -> (Distribution, Committed) {
        let committed = Committed::default();
        self.work.committed = committed.clone();
        let unknown = self.unknown_staff;
        let calls = if self.staff_calls == 0 { 0..=usize::MAX - 1 } else { self.staff_calls..=self.staff_calls };
        let mut staff = MockStaffDirectory::new();
        staff.expect_find().times(calls).returning(move |ids| {
            Ok(ids.iter().filter(|it| !unknown.contains(it)).map(|it| a_known_member(*it)).collect())
        });
        let distribution = Distribution {
            store: Arc::new(FewWorks(Mutex::new(self.before.into_iter().chain([self.work]).collect()))),
            queries: Arc::new(self.queries),
            staff: Arc::new(staff),
            changes: Arc::new(Restless::default()),
            usage: Arc::new(self.usage),
            clock: Arc::new(Noon),
            ids: Arc::new(CountingIds::default()),
            pauses: Arc::new(NoPause),
        };
        (distribution, committed)
    }
}

/// Whenever somebody looks, something has changed.
#[derive(Default)]
struct Restless(AtomicU64);

impl CenterChanges for Restless {
    fn mark(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

fn a_known_member(id: StaffId) -> StaffMember {
    StaffMember {
        id,
        phone_number: None,
        username: "somebody".to_owned(),
        full_name: None,
        image_url: None,
        role: Role::Staff { permission_groups: Vec::new() },
    }
}
