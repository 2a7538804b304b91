//! What the store of distribution promises.

use std::sync::Arc;

use distribution_application::CenterFilter;
use distribution_domain::testing::{a_center, a_staff_member, an_attempt};
use distribution_domain::{Center, CenterCode, CenterId, CenterName, DistributionStore, StaffId};
use kernel_application::{PageNumber, PageRequest};
use kernel_domain::StoreError;
use persistence_adapter::Database;
use tokio::task::JoinSet;

use crate::databases::TestDatabase;

crate::every_database_promises![
    a_center_comes_back_with_its_staff_in_order,
    a_taken_center_code_is_named,
    a_changed_center_comes_back_as_it_was_left,
    a_removed_center_is_gone_with_its_staff_and_frees_its_code,
    what_is_not_committed_neither_changes_nor_removes_a_center,
    a_center_that_was_not_found_is_neither_saved_nor_removed,
    of_two_who_change_a_center_neither_loses_what_the_other_did,
    whoever_finds_a_center_too_late_finds_nothing,
    centers_are_listed_newest_first_and_filtered_exactly,
    a_center_that_is_being_closed_is_not_among_the_open_ones,
];

pub(crate) async fn add_center(database: &Database, center: &Center) -> Result<(), StoreError> {
    let mut work = database.distribution_store().begin().await?;
    work.centers().add(center).await?;
    work.commit().await
}

async fn a_center_comes_back_with_its_staff_in_order(database: TestDatabase) {
    let mut staff: Vec<_> = (0..5).map(|_| a_staff_member()).collect();
    staff.reverse();
    let (busy, quiet) = (a_center().staffed_by(&staff).build(), a_center().build());
    add_center(&database, &busy).await.unwrap();
    add_center(&database, &quiet).await.unwrap();
    let queries = database.distribution_queries();

    let seen = queries.center(busy.id()).await.unwrap().unwrap();
    assert_eq!((&seen.code, seen.name.as_str(), seen.staff), (busy.code(), busy.name().as_str(), staff.clone()));
    assert_eq!(queries.center(a_center().build().id()).await.unwrap(), None);

    let unknown = CenterCode::parse("nowhere").unwrap();
    let mut seen = queries.centers_coded(&[busy.code().clone(), quiet.code().clone(), unknown]).await.unwrap();
    seen.sort_by_key(|it| it.staff.len());
    assert_eq!(
        seen.into_iter().map(|it| (it.id, it.staff)).collect::<Vec<_>>(),
        [(quiet.id(), vec![]), (busy.id(), staff)]
    );
}

async fn a_taken_center_code_is_named(database: TestDatabase) {
    add_center(&database, &a_center().called("ABC001").build()).await.unwrap();

    let refusal = add_center(&database, &a_center().called("ABC001").build()).await;
    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "center_code" })), "{refusal:?}");
    add_center(&database, &a_center().called("abc001").build()).await.expect("codes differ by case");
}

async fn a_center_that_is_being_closed_is_not_among_the_open_ones(database: TestDatabase) {
    let (center, unknown) = (a_center().build(), a_center().build());
    add_center(&database, &center).await.unwrap();
    let (codes, attempt) = ([center.code().clone(), unknown.code().clone()], an_attempt());
    let queries = database.distribution_queries();
    assert_eq!(queries.open_among(&codes).await.unwrap(), [center.code().clone()]);

    change(database.distribution_store(), center.id(), |it| it.begin_to_close(attempt)).await.unwrap();

    assert_eq!(queries.open_among(&codes).await.unwrap(), []);
    assert!(queries.center(center.id()).await.unwrap().is_some(), "it is still there");

    change(database.distribution_store(), center.id(), |it| it.stay_open(attempt)).await.unwrap();

    assert_eq!(queries.open_among(&codes).await.unwrap(), [center.code().clone()]);
}

/// Finds a center, changes it, and keeps that.
async fn change(
    store: Arc<dyn DistributionStore>,
    id: CenterId,
    change: impl FnOnce(&mut Center),
) -> Result<(), StoreError> {
    let mut work = store.begin().await?;
    let mut center = work.centers().find(id).await?.expect("it is there");
    change(&mut center);
    work.centers().save(&center).await?;
    work.commit().await
}

/// Finds a center, and removes it if it is there.
async fn remove(store: Arc<dyn DistributionStore>, id: CenterId) -> Result<bool, StoreError> {
    let mut work = store.begin().await?;
    let Some(center) = work.centers().find(id).await? else { return Ok(false) };
    work.centers().remove(&center).await?;
    work.commit().await?;
    Ok(true)
}

async fn found(database: &TestDatabase, id: CenterId) -> Option<Center> {
    database.distribution_store().begin().await.unwrap().centers().find(id).await.unwrap()
}

fn name(text: &str) -> CenterName {
    CenterName::parse(text).unwrap()
}

async fn a_changed_center_comes_back_as_it_was_left(database: TestDatabase) {
    let (ann, bob, kim) = (a_staff_member(), a_staff_member(), a_staff_member());
    let mut center = a_center().staffed_by(&[ann, bob]).build();
    add_center(&database, &center).await.unwrap();
    assert_eq!(found(&database, center.id()).await, Some(center.clone()));

    for staff in [vec![kim, bob], vec![bob, kim], vec![], vec![ann]] {
        center.rename(name(&format!("{} of them", staff.len())));
        center.restaff(staff.clone());
        let changed = center.clone();
        change(database.distribution_store(), center.id(), |it| *it = changed).await.unwrap();

        assert_eq!(found(&database, center.id()).await, Some(center.clone()));
        let seen = database.distribution_queries().center(center.id()).await.unwrap().unwrap();
        assert_eq!((seen.name.as_str(), seen.staff), (center.name().as_str(), staff));
    }
    assert_eq!(found(&database, a_center().build().id()).await, None);
}

async fn a_removed_center_is_gone_with_its_staff_and_frees_its_code(database: TestDatabase) {
    let center = a_center().called("ABC001").staffed_by(&[a_staff_member(), a_staff_member()]).build();
    let other = a_center().staffed_by(center.staff()).build();
    add_center(&database, &center).await.unwrap();
    add_center(&database, &other).await.unwrap();

    assert!(remove(database.distribution_store(), center.id()).await.unwrap());

    assert_eq!(database.distribution_queries().center(center.id()).await.unwrap(), None);
    assert!(!remove(database.distribution_store(), center.id()).await.unwrap(), "it is gone already");
    assert_eq!(found(&database, other.id()).await, Some(other), "nothing else goes with it");
    add_center(&database, &a_center().called("ABC001").build()).await.expect("the code is free");
}

async fn what_is_not_committed_neither_changes_nor_removes_a_center(database: TestDatabase) {
    let center = a_center().staffed_by(&[a_staff_member()]).build();
    add_center(&database, &center).await.unwrap();

    let mut work = database.distribution_store().begin().await.unwrap();
    let mut changed = work.centers().find(center.id()).await.unwrap().unwrap();
    changed.rename(name("Busan"));
    changed.restaff(vec![]);
    work.centers().save(&changed).await.unwrap();
    work.centers().remove(&changed).await.unwrap();
    drop(work);

    assert_eq!(found(&database, center.id()).await, Some(center));
}

async fn a_center_that_was_not_found_is_neither_saved_nor_removed(database: TestDatabase) {
    let center = a_center().build();
    add_center(&database, &center).await.unwrap();

    let mut work = database.distribution_store().begin().await.unwrap();
    let refusal = work.centers().save(&center).await;
    assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "{refusal:?}");
    let refusal = work.centers().remove(&center).await;
    assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "{refusal:?}");
    drop(work);
    assert_eq!(found(&database, center.id()).await, Some(center));
}

async fn of_two_who_change_a_center_neither_loses_what_the_other_did(database: TestDatabase) {
    const MEMBERS: usize = 8;
    let center = a_center().build();
    add_center(&database, &center).await.unwrap();
    let joining: Vec<StaffId> = (0..MEMBERS).map(|_| a_staff_member()).collect();

    let mut changes = JoinSet::new();
    for member in joining.clone() {
        changes.spawn(change(database.distribution_store(), center.id(), move |center| {
            center.restaff(center.staff().iter().copied().chain([member]).collect());
        }));
    }
    for outcome in changes.join_all().await {
        outcome.expect("who comes later waits");
    }

    let mut staff = found(&database, center.id()).await.unwrap().staff().to_vec();
    staff.sort_unstable();
    assert_eq!(staff, joining);
}

async fn whoever_finds_a_center_too_late_finds_nothing(database: TestDatabase) {
    let center = a_center().staffed_by(&[a_staff_member()]).build();
    add_center(&database, &center).await.unwrap();

    let mut removals = JoinSet::new();
    for _ in 0..4 {
        removals.spawn(remove(database.distribution_store(), center.id()));
    }

    let gone: Vec<_> = removals.join_all().await.into_iter().map(Result::unwrap).filter(|it| *it).collect();
    assert_eq!(gone, [true], "it is removed once");
}

async fn centers_are_listed_newest_first_and_filtered_exactly(database: TestDatabase) {
    for code in ["ABC001", "abc001", "XYZ"] {
        add_center(&database, &a_center().called(code).build()).await.unwrap();
    }
    let found = async |code: Option<&str>, name: Option<&str>| {
        let filter = CenterFilter { code: code.map(str::to_owned), name: name.map(str::to_owned) };
        let found = database.distribution_queries().centers(&filter, PageRequest::default()).await.unwrap().unwrap();
        found.entries.into_iter().map(|it| it.code.to_string()).collect::<Vec<_>>()
    };

    assert_eq!(found(None, None).await, ["XYZ", "abc001", "ABC001"]);
    assert_eq!(found(Some("ABC001"), None).await, ["ABC001"]);
    assert_eq!(found(Some("ABC001 "), None).await, [] as [String; 0]);
    assert_eq!(found(None, Some("Center XYZ")).await, ["XYZ"]);
    assert_eq!(found(None, Some("Center XYZ ")).await, [] as [String; 0]);
    assert_eq!(found(Some("XYZ"), Some("Center ABC001")).await, [] as [String; 0]);
    let past = PageRequest::new(PageNumber::Number(2), 10).unwrap();
    assert!(database.distribution_queries().centers(&CenterFilter::default(), past).await.unwrap().is_none());
}
