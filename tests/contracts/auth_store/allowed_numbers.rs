//! What is promised of numbers whose owners may sign up as staff.

use auth_domain::testing::a_phone_number;
use auth_domain::*;

use crate::databases::TestDatabase;

crate::every_database_promises![a_number_is_allowed_described_anew_and_removed,];

async fn a_number_is_allowed_described_anew_and_removed(database: TestDatabase) {
    let (number, other) = (a_phone_number(), a_phone_number());
    let is_allowed = async |number| database.auth_queries().is_allowed(number).await.unwrap();
    for text in ["Kim", "Kim of the night shift"] {
        let allowed = AllowedNumber { phone_number: number.clone(), description: Description::parse(text).unwrap() };
        let mut work = database.auth_store().begin().await.unwrap();
        work.allowed_numbers().save(&allowed).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!((is_allowed(&number).await, is_allowed(&other).await), (true, false));
    }

    let mut work = database.auth_store().begin().await.unwrap();
    assert!(work.allowed_numbers().remove(&number).await.unwrap());
    assert!(!work.allowed_numbers().remove(&number).await.unwrap());
    work.commit().await.unwrap();
    assert!(!is_allowed(&number).await);
}
