//! Centers are kept as they are, and until a unit of work changes them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use distribution_application::{CenterFilter, CenterSummary, DistributionQueries, MockDistributionQueries};
use distribution_domain::testing::{a_center, a_staff_member};
use distribution_domain::{
    Center, CenterCode, CenterId, CenterName, CenterRepository, DistributionStore, DistributionWork, StaffId,
};
use kernel_application::{Page, PageNumber, PageRequest};
use kernel_domain::StoreError;
use tokio::task::yield_now;
use uuid::Uuid;

use super::centers::{ByCode, ById, NewestCenters};
use super::*;
use crate::views::View;
use crate::views::testing::{Shared, after_a_glance};

fn a_summary(staff: &[StaffId]) -> CenterSummary {
    CenterSummary {
        id: CenterId::new(Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_1234_5678_9abc)),
        code: CenterCode::parse("Ä:B {1}").unwrap(),
        name: "서울 \"1\"".to_owned(),
        staff: staff.to_vec(),
    }
}

#[test]
fn every_center_comes_back_as_it_was() {
    for center in [a_summary(&[]), a_summary(&[a_staff_member(), a_staff_member()])] {
        let kept = serde_json::to_vec(&ByCode(center.clone()).kept()).unwrap();

        let by_code = ByCode::restored(serde_json::from_slice(&kept).unwrap()).map(|it| it.0);
        let by_id = ById::restored(serde_json::from_slice(&kept).unwrap()).map(|it| it.0);
        assert_eq!((by_code, by_id), (Some(center.clone()), Some(center)));
    }
}

#[test]
fn the_list_is_kept_in_the_form_that_its_kind_names() {
    let center = a_summary(&[StaffId::new(Uuid::from_u128(7))]);
    let list = NewestCenters::of(Page::numbered(vec![center.clone()], 1, 3, 100)).unwrap();

    let kept = serde_json::to_string(&list.kept()).unwrap();

    let form = r#"{"count":3,"centers":[{"id":"0190a3f0-7b1c-7d2e-8f00-123456789abc","code":"Ä:B {1}","name":"서울 \"1\"","staff":["00000000-0000-0000-0000-000000000007"]}]}"#;
    assert_eq!(kept, form, "another form is another kind");
    assert_eq!(NewestCenters::KIND, "distribution:newest-centers:1");
    let restored = NewestCenters::restored(serde_json::from_str(&kept).unwrap()).unwrap();
    assert_eq!(restored.cut(10), Page::numbered(vec![center], 1, 3, 10));
}

#[test]
fn a_center_is_kept_in_the_form_that_its_kinds_name() {
    let center = a_summary(&[StaffId::new(Uuid::from_u128(7))]);
    let kept = [ByCode(center.clone()).kept(), ById(center).kept()].map(|it| serde_json::to_string(&it).unwrap());

    let form = r#"{"id":"0190a3f0-7b1c-7d2e-8f00-123456789abc","code":"Ä:B {1}","name":"서울 \"1\"","staff":["00000000-0000-0000-0000-000000000007"]}"#;
    assert_eq!(kept, [form, form], "another form is another kind");
    assert_eq!((ByCode::KIND, ById::KIND), ("distribution:center-by-code:1", "distribution:center-by-id:1"));
}

/// Centers, as units of work leave them.
#[derive(Default)]
struct Table {
    centers: Mutex<HashMap<CenterId, Center>>,
    reads: AtomicUsize,
    is_answer_lost: AtomicBool,
    never_answers: AtomicBool,
}

impl Table {
    fn read(&self, is_wanted: impl Fn(&Center) -> bool) -> Vec<CenterSummary> {
        self.reads.fetch_add(1, Relaxed);
        self.centers.lock().unwrap().values().filter(|it| is_wanted(it)).map(CenterSummary::of).collect()
    }
}

struct TableStore(Arc<Table>);

struct TableWork {
    table: Arc<Table>,
    changes: Vec<(CenterId, Option<Center>)>,
}

#[async_trait]
impl DistributionStore for TableStore {
    async fn begin(&self) -> Result<Box<dyn DistributionWork>, StoreError> {
        Ok(Box::new(TableWork { table: self.0.clone(), changes: Vec::new() }))
    }
}

#[async_trait]
impl DistributionWork for TableWork {
    fn centers(&mut self) -> &mut dyn CenterRepository {
        self
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let Self { table, changes } = *self;
        for (id, center) in changes {
            let mut centers = table.centers.lock().unwrap();
            centers.remove(&id);
            centers.extend(center.map(|it| (id, it)));
        }
        if table.never_answers.load(Relaxed) {
            std::future::pending::<()>().await;
        }
        if table.is_answer_lost.load(Relaxed) { Err(StoreError::unavailable("gone")) } else { Ok(()) }
    }
}

#[async_trait]
impl CenterRepository for TableWork {
    async fn add(&mut self, center: &Center) -> Result<(), StoreError> {
        self.changes.push((center.id(), Some(center.clone())));
        Ok(())
    }

    async fn find(&mut self, id: CenterId) -> Result<Option<Center>, StoreError> {
        Ok(self.table.centers.lock().unwrap().get(&id).cloned())
    }

    async fn save(&mut self, center: &Center) -> Result<(), StoreError> {
        self.add(center).await
    }

    async fn remove(&mut self, center: &Center) -> Result<(), StoreError> {
        self.changes.push((center.id(), None));
        Ok(())
    }
}

struct World {
    table: Arc<Table>,
    store: Arc<dyn DistributionStore>,
    queries: Arc<dyn DistributionQueries>,
    views: ViewCache,
}

impl World {
    fn new() -> Self {
        Self::of(Arc::default(), ViewCache::alone())
    }

    /// A process that keeps these views of the table.
    fn of(table: Arc<Table>, views: ViewCache) -> Self {
        let mut queries = MockDistributionQueries::new();
        let read = table.clone();
        queries.expect_center().returning(move |id| Ok(read.read(|it| it.id() == id).pop()));
        let read = table.clone();
        queries.expect_centers_coded().returning(move |codes| Ok(read.read(|it| codes.contains(it.code()))));
        let read = table.clone();
        queries.expect_centers().returning(move |_, page| {
            let all = read.read(|_| true);
            let count = u64::try_from(all.len()).unwrap();
            Ok(Some(Page::numbered(all, 1, count, page.size())))
        });
        Self {
            store: views.distribution_store(Arc::new(TableStore(table.clone()))),
            queries: views.distribution_queries(Arc::new(queries)),
            table,
            views,
        }
    }

    /// What the center is called, as it is found by its id and by its code.
    async fn names(&self, center: &Center) -> [Option<String>; 2] {
        let by_id = self.queries.center(center.id()).await.unwrap();
        let by_code = self.queries.centers_coded(&[center.code().clone()]).await.unwrap().pop();
        [by_id, by_code].map(|it| it.map(|it| it.name))
    }

    /// How many centers there are, and how many are on the first page of this size.
    async fn counted(&self, size: u32) -> (Option<u64>, usize) {
        let page = PageRequest::new(PageNumber::Number(1), size).unwrap();
        let page = self.queries.centers(&CenterFilter::default(), page).await.unwrap().unwrap();
        assert_eq!(page.size, size);
        (page.count(), page.entries.len())
    }

    async fn add(&self, center: &Center) -> Result<(), StoreError> {
        let mut work = self.store.begin().await?;
        work.centers().add(center).await?;
        work.commit().await
    }

    fn reads(&self) -> usize {
        self.table.reads.load(Relaxed)
    }
}

fn both(name: &str) -> [Option<String>; 2] {
    [Some(name.to_owned()), Some(name.to_owned())]
}

#[tokio::test]
async fn what_was_added_saved_or_removed_is_read_anew_after_the_commit() {
    let (world, mut center) = (World::new(), a_center().called("X").build());
    assert_eq!(world.names(&center).await, [None, None]);

    world.add(&center).await.unwrap();
    assert_eq!(world.names(&center).await, both("Center X"), "a code that was nobody's");

    center.rename(CenterName::parse("Busan").unwrap());
    let mut work = world.store.begin().await.unwrap();
    work.centers().save(&center).await.unwrap();
    assert_eq!(world.names(&center).await, both("Center X"));
    work.commit().await.unwrap();
    assert_eq!(world.names(&center).await, both("Busan"));
    assert_eq!(world.names(&center).await, both("Busan"));
    assert_eq!(world.reads(), 6, "by id and by code, before and after each change");

    let mut work = world.store.begin().await.unwrap();
    work.centers().remove(&center).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(world.names(&center).await, [None, None]);
}

#[tokio::test]
async fn the_mark_is_another_one_after_a_change_and_after_nothing_else() {
    let (world, center) = (World::new(), a_center().build());
    let before = world.views.mark();
    assert_eq!(world.names(&center).await, [None, None]);
    drop(world.store.begin().await.unwrap());
    assert_eq!(world.views.mark(), before);

    world.add(&center).await.unwrap();

    assert_ne!(world.views.mark(), before);
}

#[tokio::test]
async fn a_commit_that_gave_no_answer_may_have_been_made() {
    let (world, center) = (World::new(), a_center().called("X").build());
    world.table.is_answer_lost.store(true, Relaxed);
    assert_eq!(world.names(&center).await, [None, None]);

    assert!(world.add(&center).await.is_err());

    assert_eq!(world.names(&center).await, both("Center X"));
}

#[tokio::test(start_paused = true)]
async fn who_dies_once_a_change_is_kept_leaves_nothing_old_behind() {
    const TURNS: usize = 100;
    let (shared, table) = (Arc::<Shared>::default(), Arc::<Table>::default());
    let mut center = a_center().called("X").build();
    table.centers.lock().unwrap().insert(center.id(), center.clone());
    let [dying, other] = [(); 2].map(|()| World::of(table.clone(), shared.views()));
    assert_eq!(other.names(&center).await, both("Center X"), "it is kept for thirty days");

    table.never_answers.store(true, Relaxed);
    center.rename(CenterName::parse("Busan").unwrap());
    let mut work = dying.store.begin().await.unwrap();
    work.centers().save(&center).await.unwrap();
    // It is not dropped before the test is over: the dead clean nothing up.
    let _dead = tokio::spawn(async move { work.commit().await });
    for _ in 0..TURNS {
        yield_now().await;
    }
    assert_eq!(table.centers.lock().unwrap().get(&center.id()), Some(&center));

    after_a_glance().await;
    assert_eq!(other.names(&center).await, both("Busan"));
}

#[tokio::test]
async fn what_was_only_found_or_never_committed_is_kept() {
    let (world, center) = (World::new(), a_center().build());
    assert_eq!(world.names(&center).await, [None, None]);

    let mut work = world.store.begin().await.unwrap();
    assert_eq!(work.centers().find(center.id()).await.unwrap(), None);
    work.commit().await.unwrap();
    let mut work = world.store.begin().await.unwrap();
    work.centers().add(&center).await.unwrap();
    drop(work);

    assert_eq!(world.names(&center).await, [None, None]);
    assert_eq!(world.reads(), 2);
}

#[tokio::test]
async fn the_list_begins_in_one_view_for_pages_of_every_size_until_a_center_changes() {
    let world = World::new();
    world.add(&a_center().build()).await.unwrap();
    assert_eq!(world.counted(10).await, (Some(1), 1));

    world.add(&a_center().build()).await.unwrap();

    for (size, shown) in [(1, 1), (2, 2), (10, 2), (100, 2)] {
        assert_eq!(world.counted(size).await, (Some(2), shown), "{size} on a page");
    }
    assert_eq!(world.reads(), 2, "before and after the change");
}

#[tokio::test]
async fn a_list_that_is_filtered_or_begins_elsewhere_is_read_each_time() {
    let named = CenterFilter { name: Some("Busan".to_owned()), ..CenterFilter::default() };
    let coded = CenterFilter { code: Some("ABC001".to_owned()), ..CenterFilter::default() };
    let second = PageRequest::new(PageNumber::Number(2), 10).unwrap();
    let last = PageRequest::new(PageNumber::Last, 10).unwrap();
    let by_cursor = PageRequest::beyond(None, 10).unwrap();
    let mut inner = MockDistributionQueries::new();
    inner.expect_centers().times(10).returning(|_, _| Ok(None));
    let queries = ViewCache::alone().distribution_queries(Arc::new(inner));

    for (filter, page) in [
        (named, PageRequest::default()),
        (coded, PageRequest::default()),
        (CenterFilter::default(), second),
        (CenterFilter::default(), last),
        (CenterFilter::default(), by_cursor),
    ] {
        for _ in 0..2 {
            assert_eq!(queries.centers(&filter, page).await.unwrap(), None);
        }
    }
}
