//! What the store of distribution promises.

use distribution_application::CenterFilter;
use distribution_domain::testing::{a_center, a_staff_member};
use distribution_domain::{Center, CenterCode};
use kernel_application::{PageNumber, PageRequest};
use kernel_domain::StoreError;

use crate::databases::TestDatabase;

crate::every_database_promises![
    a_center_comes_back_with_its_staff_in_order,
    a_taken_center_code_is_named,
    centers_are_listed_newest_first_and_filtered_exactly,
];

async fn add_center(database: &TestDatabase, center: &Center) -> Result<(), StoreError> {
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
