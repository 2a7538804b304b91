//! What the store of users promises.

use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::testing::CountingIds;
use kernel_application::{PageNumber, PageRequest, record};
use kernel_domain::StoreError;
use user_application::{AccountName, NumberStanding, UserFilter};
use user_domain::testing::{a_phone_number, a_registration, noon};
use user_domain::{
    AccountChange, Email, FullName, GroupName, ImageFormat, ImageKey, Locale, PhoneNumber, PhoneNumberHash, Privileges,
    Profile, ProfileChange, Registration, Role, User, UserId, UserSnapshot, UserState, UserType, Username,
};
use uuid::Uuid;

use crate::databases::TestDatabase;
use crate::events::{correlation, waiting};

crate::every_database_promises![
    a_user_is_found_by_name_by_number_and_by_id,
    a_taken_username_and_a_taken_number_are_named,
    users_without_a_number_do_not_get_in_each_others_way,
    a_user_and_the_event_are_kept_together,
    a_user_comes_back_as_they_were_kept_in_every_state,
    groups_come_and_go,
    a_name_that_is_taken_is_named_on_a_change_too,
    what_was_never_found_cannot_be_saved,
    nobody_overwrites_what_somebody_else_is_changing,
    who_left_leaves_their_name_and_number_free,
    a_number_is_free_taken_or_banned_and_one_statement_tells,
    who_was_switched_off_lately_is_found,
    users_are_listed_newest_first_and_filtered,
    what_is_searched_for_is_no_pattern,
    a_picture_waits_for_its_time_and_can_be_kept,
];

async fn add(database: &TestDatabase, user: &User) -> Result<(), StoreError> {
    let mut work = database.user_store().begin().await?;
    work.users().add(user).await?;
    work.commit().await
}

async fn register(database: &TestDatabase, registration: Registration) -> Result<User, StoreError> {
    let (user, _) = User::register(registration, noon());
    add(database, &user).await?;
    Ok(user)
}

async fn find(database: &TestDatabase, id: UserId) -> Option<User> {
    database.user_store().begin().await.unwrap().users().find(id).await.unwrap()
}

async fn change(database: &TestDatabase, id: UserId, change: impl FnOnce(&mut User)) -> Result<User, StoreError> {
    let mut work = database.user_store().begin().await?;
    let mut user = work.users().find(id).await?.expect("they are there");
    change(&mut user);
    work.users().save(&user).await?;
    work.commit().await?;
    Ok(user)
}

fn groups<const N: usize>(names: [&str; N]) -> Vec<GroupName> {
    names.map(|it| GroupName::parse(it).unwrap()).to_vec()
}

fn an_image(number: u128) -> ImageKey {
    ImageKey::new(UserType::Staff, Uuid::from_u128(number), ImageFormat::Jpeg)
}

fn later(hours: i64) -> DateTime<Utc> {
    noon() + TimeDelta::hours(hours)
}

async fn a_user_is_found_by_name_by_number_and_by_id(database: TestDatabase) {
    let full_name = Some(FullName::parse("김 서연").unwrap());
    let staff = Registration {
        role: Role::Staff { groups: groups(["dispatch", "night shift"]) },
        profile: Profile { full_name, image: Some(an_image(1)) },
        privileges: Privileges::Superuser,
        ..a_registration()
    };
    let date_of_birth = chrono::NaiveDate::from_ymd_opt(1990, 2, 28);
    let driver = Registration { role: Role::Driver { date_of_birth }, ..a_registration() };
    let (staff, driver) = (register(&database, staff).await.unwrap(), register(&database, driver).await.unwrap());
    let queries = database.user_queries();
    let before = database.statements();

    for name in [AccountName::Username(staff.username().clone()), AccountName::Id(staff.id())] {
        let account = queries.account(&name).await.unwrap().unwrap();
        assert_eq!((account.id, &account.role, account.privileges), (staff.id(), staff.role(), Privileges::Superuser));
    }
    let account = queries.account(&AccountName::PhoneNumber(driver.snapshot().phone_number.unwrap())).await.unwrap();
    let account = account.unwrap();
    assert_eq!((account.id, &account.role, account.state), (driver.id(), driver.role(), UserState::Active));
    assert_eq!(queries.account(&AccountName::PhoneNumber(a_phone_number())).await.unwrap(), None);
    assert_eq!(database.statements() - before, 4, "one for each");

    let unknown = a_registration().id;
    let mut profiles = queries.profiles(&[staff.id(), unknown, driver.id()]).await.unwrap();
    profiles.sort_by_key(|it| it.id != staff.id());
    assert_eq!(profiles.len(), 2);
    assert_eq!((profiles[0].full_name.as_deref(), &profiles[0].role), (Some("김 서연"), staff.role()));
    assert_eq!(profiles[0].image, Some(an_image(1)));
    assert_eq!((profiles[1].username.clone(), &profiles[1].role), (driver.username().clone(), driver.role()));
}

async fn a_taken_username_and_a_taken_number_are_named(database: TestDatabase) {
    let first = a_registration();
    register(&database, first.clone()).await.unwrap();

    let same_name = Registration { username: first.username.clone(), ..a_registration() };
    let refusal = register(&database, same_name).await;
    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "username" })), "{refusal:?}");
    let same_number = Registration { phone_number: first.phone_number, ..a_registration() };
    let refusal = register(&database, same_number).await;
    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "phonenumber" })), "{refusal:?}");
}

async fn users_without_a_number_do_not_get_in_each_others_way(database: TestDatabase) {
    for _ in 0..2 {
        register(&database, Registration { phone_number: None, ..a_registration() }).await.unwrap();
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

async fn a_user_comes_back_as_they_were_kept_in_every_state(database: TestDatabase) {
    let at = noon() + TimeDelta::microseconds(123_456);
    let hash = PhoneNumberHash::new([7; 32]);
    for state in [
        UserState::Active,
        UserState::Inactive { since: at },
        UserState::Banned { at, phone_number: Some(hash) },
        UserState::Banned { at, phone_number: None },
        UserState::Unregistered { at },
    ] {
        let is_open = matches!(state, UserState::Active | UserState::Inactive { .. });
        let (user, _) = User::register(a_registration(), noon());
        let mut kept = user.snapshot();
        if is_open {
            kept.role = Role::Staff { groups: groups(["dispatch", "night shift"]) };
            kept.email = Email::parse("kim@example.com").ok();
            kept.locale = Locale::parse("en-GB").unwrap();
            kept.profile = Profile { full_name: FullName::parse("김 서연").ok(), image: Some(an_image(2)) };
        } else {
            kept.phone_number = None;
        }
        let user = User::from(UserSnapshot { state, ..kept });
        add(&database, &user).await.unwrap();

        let found = find(&database, user.id()).await;

        assert_eq!(found.as_ref(), Some(&user));
        let view = database.user_queries().user(user.id()).await.unwrap().unwrap();
        assert_eq!((view.state, &view.role, view.email), (state, user.role(), user.snapshot().email));
    }
    assert_eq!(find(&database, a_registration().id).await, None);
    assert_eq!(database.user_queries().user(a_registration().id).await.unwrap(), None);
}

async fn groups_come_and_go(database: TestDatabase) {
    let user = register(&database, a_registration()).await.unwrap();
    for now in [groups(["dispatch", "night shift"]), groups(["night shift"]), vec![]] {
        let given = AccountChange { groups: Some(now.clone()), ..AccountChange::default() };

        change(&database, user.id(), |it| _ = it.change_account(given, noon()).unwrap()).await.unwrap();

        assert_eq!(find(&database, user.id()).await.unwrap().role(), &Role::Staff { groups: now });
    }
}

async fn a_name_that_is_taken_is_named_on_a_change_too(database: TestDatabase) {
    let taken = register(&database, a_registration()).await.unwrap();
    let user = register(&database, a_registration()).await.unwrap();

    let renamed = UserSnapshot { username: taken.username().clone(), ..user.snapshot() };
    let refusal = change(&database, user.id(), |it| *it = User::from(renamed)).await;

    assert!(matches!(refusal, Err(StoreError::Duplicate { key: "username" })), "{refusal:?}");
    assert_eq!(find(&database, taken.id()).await, Some(taken), "and nobody else is changed");
}

async fn what_was_never_found_cannot_be_saved(database: TestDatabase) {
    let user = register(&database, a_registration()).await.unwrap();

    let refusal = database.user_store().begin().await.unwrap().users().save(&user).await;

    assert!(matches!(refusal, Err(StoreError::Corrupt { .. })), "{refusal:?}");
}

async fn nobody_overwrites_what_somebody_else_is_changing(database: TestDatabase) {
    let user = register(&database, a_registration()).await.unwrap();
    let store = database.user_store();
    let mut changes = tokio::task::JoinSet::new();

    for number in 0..20 {
        let (store, id) = (store.clone(), user.id());
        changes.spawn(async move {
            let mut work = store.begin().await?;
            let mut user = work.users().find(id).await?.expect("they are there");
            let Role::Staff { groups } = user.role().clone() else { panic!("they are staff") };
            let groups = [groups, vec![GroupName::parse(&format!("group {number}")).unwrap()]].concat();
            user.change_account(AccountChange { groups: Some(groups), ..AccountChange::default() }, noon()).unwrap();
            work.users().save(&user).await?;
            work.commit().await
        });
    }
    for changed in changes.join_all().await {
        changed.expect("who comes later waits");
    }

    let Role::Staff { groups } = find(&database, user.id()).await.unwrap().role().clone() else { panic!("staff") };
    assert_eq!(groups.len(), 20);
}

async fn who_left_leaves_their_name_and_number_free(database: TestDatabase) {
    let registration = a_registration();
    let user = register(&database, registration.clone()).await.unwrap();

    change(&database, user.id(), |it| drop(it.unregister(noon()).unwrap())).await.unwrap();

    let again = Registration { id: a_registration().id, ..registration };
    register(&database, again).await.expect("the name and the number are free");
}

async fn a_number_is_free_taken_or_banned_and_one_statement_tells(database: TestDatabase) {
    let hash_of = |number: u8| PhoneNumberHash::new([number; 32]);
    let role = Role::Staff { groups: groups(["dispatch", "night shift"]) };
    let user = register(&database, Registration { role, ..a_registration() }).await.unwrap();
    let thrown_out = register(&database, a_registration()).await.unwrap();
    let banned_number = thrown_out.phone_number().unwrap().clone();
    change(&database, thrown_out.id(), |it| drop(it.ban(Some(hash_of(9)), noon()).unwrap())).await.unwrap();
    let before = database.statements();

    let standing = async |number: &PhoneNumber, hash| database.user_queries().standing(number, &[hash]).await.unwrap();

    assert_eq!(standing(&a_phone_number(), hash_of(1)).await, NumberStanding::Free);
    assert_eq!(standing(&banned_number, hash_of(9)).await, NumberStanding::Banned);
    assert_eq!(standing(&banned_number, hash_of(8)).await, NumberStanding::Free, "nothing but the hash is left");
    let NumberStanding::Taken(account) = standing(user.phone_number().unwrap(), hash_of(2)).await else {
        panic!("somebody has it")
    };
    assert_eq!((account.id, &account.role), (user.id(), user.role()));
    assert_eq!(database.statements() - before, 4);
    let rotated = [hash_of(8), hash_of(9)];
    let standing = database.user_queries().standing(&banned_number, &rotated).await.unwrap();
    assert_eq!(standing, NumberStanding::Banned, "by a key of before");
}

async fn who_was_switched_off_lately_is_found(database: TestDatabase) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(register(&database, a_registration()).await.unwrap().id());
    }
    let off = |is_active| AccountChange { is_active: Some(is_active), ..AccountChange::default() };
    change(&database, ids[0], |it| _ = it.change_account(off(false), later(-1)).unwrap()).await.unwrap();
    change(&database, ids[1], |it| _ = it.change_account(off(false), later(0)).unwrap()).await.unwrap();
    change(&database, ids[2], |it| drop(it.ban(None, later(1)).unwrap())).await.unwrap();
    change(&database, ids[3], |it| drop(it.unregister(later(2)).unwrap())).await.unwrap();
    let since = async |hour| {
        let mut found = database.user_queries().deactivated_since(later(hour)).await.unwrap();
        found.sort_unstable();
        found
    };

    assert_eq!(since(0).await, ids[1..4]);

    change(&database, ids[1], |it| _ = it.change_account(off(true), later(3)).unwrap()).await.unwrap();
    assert_eq!(since(0).await, ids[2..4], "who is back is not among them");
}

async fn listed(database: &TestDatabase, filter: UserFilter) -> Vec<UserId> {
    let page = database.user_queries().users(&filter, PageRequest::default()).await.unwrap().unwrap();
    assert_eq!(page.count(), Some(page.entries.len() as u64));
    page.entries.into_iter().map(|it| it.id).collect()
}

async fn users_are_listed_newest_first_and_filtered(database: TestDatabase) {
    let driver = Role::Driver { date_of_birth: None };
    let staff = Role::Staff { groups: groups(["dispatch"]) };
    let mut users = Vec::new();
    for (hour, role) in [(1, driver), (2, staff.clone()), (2, staff.clone()), (0, staff)] {
        let (user, _) = User::register(Registration { role, ..a_registration() }, later(hour));
        add(&database, &user).await.unwrap();
        users.push(user);
    }
    let ids: Vec<_> = users.iter().map(User::id).collect();
    change(&database, ids[3], |it| drop(it.ban(None, later(4)).unwrap())).await.unwrap();
    let all = UserFilter::default();

    assert_eq!(listed(&database, all.clone()).await, [ids[2], ids[1], ids[0], ids[3]]);
    assert_eq!(listed(&database, UserFilter { user_type: Some(UserType::Driver), ..all.clone() }).await, [ids[0]]);
    assert_eq!(listed(&database, UserFilter { is_active: Some(false), ..all.clone() }).await, [ids[3]]);
    assert_eq!(listed(&database, UserFilter { is_active: Some(true), ..all.clone() }).await, [ids[2], ids[1], ids[0]]);
    assert_eq!(listed(&database, UserFilter { is_banned: Some(true), ..all.clone() }).await, [ids[3]]);
    let phone_number = users[1].phone_number().cloned();
    assert_eq!(listed(&database, UserFilter { phone_number, ..all.clone() }).await, [ids[1]]);

    let (queries, before) = (database.user_queries(), database.statements());
    let second = PageRequest::new(PageNumber::Number(2), 3).unwrap();
    let page = queries.users(&all, second).await.unwrap().unwrap();
    assert_eq!((page.count(), page.entries.len(), page.entries[0].id), (Some(4), 1, ids[3]));
    assert_eq!(database.statements() - before, 2);
    let past = PageRequest::new(PageNumber::Number(3), 3).unwrap();
    assert_eq!(queries.users(&all, past).await.unwrap(), None);
    let page = queries.users(&all, PageRequest::default()).await.unwrap().unwrap();
    assert_eq!(page.entries[0].role, Role::Staff { groups: groups(["dispatch"]) });
}

async fn what_is_searched_for_is_no_pattern(database: TestDatabase) {
    let mut ids = Vec::new();
    for (username, full_name) in [("a%b", "Kim"), ("a_b", "김 서연"), ("axb", "50% off")] {
        let registration = Registration {
            username: Username::parse(username).unwrap(),
            profile: Profile { full_name: FullName::parse(full_name).ok(), image: None },
            ..a_registration()
        };
        ids.push(register(&database, registration).await.unwrap().id());
    }
    let digits = find(&database, ids[1]).await.unwrap().phone_number().unwrap().digits().to_owned();
    let found = async |text: &str| {
        let mut found = listed(&database, UserFilter { text: Some(text.to_owned()), ..UserFilter::default() }).await;
        found.sort_unstable();
        found
    };

    assert_eq!(found("a%b").await, [ids[0]]);
    assert_eq!(found("%").await, [ids[0], ids[2]]);
    assert_eq!(found("_").await, [ids[1]]);
    assert_eq!(found("서연").await, [ids[1]]);
    assert_eq!(found(&digits).await, [ids[1]]);
    assert_eq!(found("\\").await, []);
    assert_eq!(found("'").await, []);
}

async fn a_picture_waits_for_its_time_and_can_be_kept(database: TestDatabase) {
    let mut work = database.user_store().begin().await.unwrap();
    for (number, hour) in [(1, 2), (2, 1), (3, 3), (4, 9)] {
        work.discarded_images().add(&an_image(number), later(hour)).await.unwrap();
    }
    work.discarded_images().add(&an_image(3), later(0)).await.unwrap();
    work.commit().await.unwrap();
    let due = async |hour, limit| database.user_queries().discarded_images(later(hour), limit).await.unwrap();

    assert_eq!(due(2, 10).await, [3, 2, 1].map(an_image));
    assert_eq!(due(2, 2).await, [3, 2].map(an_image), "the oldest first");

    let mut work = database.user_store().begin().await.unwrap();
    work.discarded_images().remove(&[an_image(3), an_image(1), an_image(5)]).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(due(2, 10).await, [an_image(2)]);

    // A picture is part of the same unit of work as the change that made it useless.
    let user = register(&database, a_registration()).await.unwrap();
    let mut work = database.user_store().begin().await.unwrap();
    let mut found = work.users().find(user.id()).await.unwrap().unwrap();
    found.change_profile(ProfileChange { image: Some(Some(an_image(6))), ..ProfileChange::default() }).unwrap();
    work.users().save(&found).await.unwrap();
    work.discarded_images().add(&an_image(7), later(0)).await.unwrap();
    drop(work);
    assert_eq!(due(2, 10).await, [an_image(2)]);
}
