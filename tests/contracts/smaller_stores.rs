//! What the stores of users, auth and distribution promise.

use auth_domain::testing::an_account;
use auth_domain::{Credential, PasswordHash, RefreshTokenHash, Session, SessionId};
use distribution_application::CenterFilter;
use distribution_domain::testing::{a_center, a_staff_member};
use distribution_domain::{Center, CenterCode};
use kernel_application::testing::CountingIds;
use kernel_application::{PageNumber, PageRequest, record};
use kernel_domain::StoreError;
use user_application::AccountName;
use user_domain::testing::{a_phone_number, a_registration, noon};
use user_domain::{FullName, GroupName, Privileges, Profile, Registration, Role, User, UserState};
use uuid::Uuid;

use crate::databases::TestDatabase;
use crate::events::{correlation, waiting};

crate::every_database_promises![
    a_user_is_found_by_name_by_number_and_by_id,
    a_taken_username_and_a_taken_number_are_named,
    users_without_a_number_do_not_get_in_each_others_way,
    a_user_and_the_event_are_kept_together,
    a_password_replaces_the_last_one_and_can_be_forgotten,
    a_session_is_kept_once,
    a_center_comes_back_with_its_staff_in_order,
    a_taken_center_code_is_named,
    centers_are_listed_newest_first_and_filtered_exactly,
];

async fn add_user(database: &TestDatabase, registration: Registration) -> Result<User, StoreError> {
    let (user, _) = User::register(registration, noon());
    let mut work = database.user_store().begin().await?;
    work.users().add(&user).await?;
    work.commit().await?;
    Ok(user)
}

async fn a_user_is_found_by_name_by_number_and_by_id(database: TestDatabase) {
    let groups = ["dispatch", "night shift"].map(|it| GroupName::parse(it).unwrap()).to_vec();
    let full_name = Some(FullName::parse("김 서연").unwrap());
    let staff = Registration {
        role: Role::Staff { groups },
        profile: Profile { full_name, image: Some("images/user/staff/1.webp".to_owned()) },
        privileges: Privileges::Superuser,
        ..a_registration()
    };
    let date_of_birth = chrono::NaiveDate::from_ymd_opt(1990, 2, 28);
    let driver = Registration { role: Role::Driver { date_of_birth }, ..a_registration() };
    let (staff, driver) = (add_user(&database, staff).await.unwrap(), add_user(&database, driver).await.unwrap());
    let queries = database.user_queries();

    let account = queries.account(&AccountName::Username(staff.username().clone())).await.unwrap().unwrap();
    assert_eq!((account.id, &account.role, account.privileges), (staff.id(), staff.role(), Privileges::Superuser));
    let number = driver.snapshot().phone_number.unwrap();
    let account = queries.account(&AccountName::PhoneNumber(number)).await.unwrap().unwrap();
    assert_eq!((account.id, &account.role, account.state), (driver.id(), driver.role(), UserState::Active));
    assert_eq!(queries.account(&AccountName::PhoneNumber(a_phone_number())).await.unwrap(), None);

    let unknown = a_registration().id;
    let mut profiles = queries.profiles(&[staff.id(), unknown, driver.id()]).await.unwrap();
    profiles.sort_by_key(|it| it.id != staff.id());
    assert_eq!(profiles.len(), 2);
    assert_eq!((profiles[0].full_name.as_deref(), &profiles[0].role), (Some("김 서연"), staff.role()));
    assert_eq!(profiles[0].image.as_deref(), Some("images/user/staff/1.webp"));
    assert_eq!((profiles[1].username.clone(), &profiles[1].role), (driver.username().clone(), driver.role()));
}

async fn a_taken_username_and_a_taken_number_are_named(database: TestDatabase) {
    let first = a_registration();
    add_user(&database, first.clone()).await.unwrap();

    let same_name = Registration { username: first.username.clone(), ..a_registration() };
    let refusal = add_user(&database, same_name).await;
    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "username" })), "{refusal:?}");
    let same_number = Registration { phone_number: first.phone_number, ..a_registration() };
    let refusal = add_user(&database, same_number).await;
    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "phonenumber" })), "{refusal:?}");
}

async fn users_without_a_number_do_not_get_in_each_others_way(database: TestDatabase) {
    for _ in 0..2 {
        add_user(&database, Registration { phone_number: None, ..a_registration() }).await.unwrap();
    }
}

async fn a_user_and_the_event_are_kept_together(database: TestDatabase) {
    let (user, signed_up) = User::register(a_registration(), noon());
    for commit in [false, true] {
        let mut work = database.user_store().begin().await.unwrap();
        work.users().add(&user).await.unwrap();
        let event = record(&signed_up, &correlation(), &CountingIds::default(), noon());
        work.outbox().append(&[event]).await.unwrap();
        if commit {
            work.commit().await.unwrap();
        } else {
            drop(work);
            assert_eq!(waiting(&database).await, []);
            assert_eq!(database.user_queries().profiles(&[user.id()]).await.unwrap(), []);
        }
    }

    let waiting = waiting(&database).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].event.name.as_str(), waiting[0].event.aggregate_version), ("UserSignup", 1));
}

async fn a_password_replaces_the_last_one_and_can_be_forgotten(database: TestDatabase) {
    let (account_id, other) = (an_account(), an_account());
    for hash in ["$argon2id$first", "$argon2id$second"] {
        let mut work = database.auth_store().begin().await.unwrap();
        work.credentials().save(&Credential { account_id, password_hash: PasswordHash::new(hash) }).await.unwrap();
        work.commit().await.unwrap();
    }
    let kept = database.auth_queries().password_hash(account_id).await.unwrap();
    assert_eq!(kept, Some(PasswordHash::new("$argon2id$second")));
    assert_eq!(database.auth_queries().password_hash(other).await.unwrap(), None);

    let mut work = database.auth_store().begin().await.unwrap();
    work.credentials().remove(account_id).await.unwrap();
    work.credentials().remove(other).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(database.auth_queries().password_hash(account_id).await.unwrap(), None);
}

async fn a_session_is_kept_once(database: TestDatabase) {
    let session =
        Session::open(SessionId::new(Uuid::from_u128(7)), an_account(), RefreshTokenHash::new([7; 32]), noon());
    let mut work = database.auth_store().begin().await.unwrap();
    work.sessions().add(&session).await.unwrap();
    work.commit().await.unwrap();

    let mut work = database.auth_store().begin().await.unwrap();
    let refusal = work.sessions().add(&session).await;

    assert!(matches!(refusal, Err(StoreError::Conflict(_))), "{refusal:?}");
}

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
