//! What users may change, and what is left of them when they go.

use chrono::TimeDelta;
use kernel_domain::DomainEvent;
use uuid::Uuid;

use super::*;
use crate::testing::{a_registration, noon};
use crate::{ImageFormat, UserType};

fn somebody() -> User {
    User::register(a_registration(), noon()).0
}

fn a_driver() -> User {
    let role = Role::Driver { date_of_birth: NaiveDate::from_ymd_opt(1990, 2, 28) };
    User::register(Registration { role, ..a_registration() }, noon()).0
}

fn a_superuser() -> User {
    User::register(Registration { privileges: Privileges::Superuser, ..a_registration() }, noon()).0
}

fn an_image(number: u128) -> ImageKey {
    ImageKey::new(UserType::Staff, Uuid::from_u128(number), ImageFormat::Jpeg)
}

fn named(name: &str) -> ProfileChange {
    ProfileChange { full_name: Some(Some(FullName::parse(name).expect("a name"))), ..ProfileChange::default() }
}

#[test]
fn a_new_user_is_active_and_announced() {
    let registration = a_registration();
    let (id, phone_number) = (registration.id, registration.phone_number.clone());

    let (user, event) = User::register(registration, noon());

    assert_eq!(user.snapshot().state, UserState::Active);
    assert!(user.phone_number().is_some());
    assert_eq!(user.phone_number(), phone_number.as_ref());
    assert_eq!(event.name(), "UserSignup");
    assert_eq!(event.data(), [("uuid", id.to_string().replace('-', ""))]);
}

#[test]
fn a_superuser_has_the_staff_flag() {
    assert!(Privileges::Superuser.is_staff() && Privileges::Superuser.is_superuser());
    assert!(Privileges::Staff.is_staff() && !Privileges::Staff.is_superuser());
    assert!(!Privileges::None.is_staff());
}

#[test]
fn every_type_can_be_read_back() {
    for user_type in UserType::ALL {
        assert_eq!(UserType::named(user_type.name()), Some(user_type));
        assert_eq!(user_type.to_string(), user_type.name());
    }
}

#[test]
fn an_account_tells_since_when_it_cannot_be_used() {
    let at = noon();

    assert_eq!(UserState::Active.deactivated_at(), None);
    for state in [
        UserState::Inactive { since: at },
        UserState::Banned { at, phone_number: None },
        UserState::Unregistered { at },
    ] {
        assert_eq!(state.deactivated_at(), Some(at), "{state:?}");
    }
}

#[test]
fn what_is_not_mentioned_stays() {
    let mut user = somebody();
    user.change_profile(named("Kim Minsu")).expect("they may");

    user.change_profile(ProfileChange::default()).expect("they may");

    assert_eq!(user.snapshot().profile.full_name, Some(FullName::parse("Kim Minsu").expect("a name")));
}

#[test]
fn a_new_picture_gives_the_old_one_away() {
    let mut user = somebody();
    let picture = |image| ProfileChange { image: Some(image), ..ProfileChange::default() };

    assert_eq!(user.change_profile(picture(Some(an_image(1)))), Ok(None));
    assert_eq!(user.change_profile(picture(Some(an_image(2)))), Ok(Some(an_image(1))));
    assert_eq!(user.change_profile(named("Kim")), Ok(None));
    assert_eq!(user.change_profile(picture(None)), Ok(Some(an_image(2))));
}

#[test]
fn only_drivers_are_asked_when_they_were_born() {
    let told = NaiveDate::from_ymd_opt(1991, 3, 1);
    let change = ProfileChange { date_of_birth: Some(told), ..ProfileChange::default() };
    let (mut driver, mut clerk) = (a_driver(), somebody());

    driver.change_profile(change.clone()).expect("they may");
    clerk.change_profile(change).expect("it is ignored");

    assert_eq!(driver.snapshot().role, Role::Driver { date_of_birth: told });
    assert_eq!(clerk.snapshot().role, Role::Staff { groups: vec![] });
}

#[test]
fn who_leaves_is_forgotten_and_their_name_is_free() {
    let mut user = a_driver();
    let before = user.snapshot();
    let image = ProfileChange { image: Some(Some(an_image(1))), ..named("Kim Minsu") };
    user.change_profile(image).expect("they may");
    let later = noon() + TimeDelta::hours(1);

    let (event, picture) = user.unregister(later).expect("they may leave");

    let after = user.snapshot();
    assert_eq!((event.name(), picture), ("UserDeactivated", Some(an_image(1))));
    assert_eq!(after.state, UserState::Unregistered { at: later });
    assert_eq!((after.phone_number, after.email, after.profile), (None, None, Profile::default()));
    assert_eq!(after.role, Role::Driver { date_of_birth: None });
    assert_ne!(after.username, before.username);
}

#[test]
fn who_is_thrown_out_leaves_the_hash_of_their_number() {
    let mut user = somebody();
    let hash = Some(PhoneNumberHash::new([7; 32]));

    let (event, _) = user.ban(hash, noon()).expect("they can be banned");

    let after = user.snapshot();
    assert_eq!(event.name(), "UserBanned");
    assert_eq!(after.state, UserState::Banned { at: noon(), phone_number: hash });
    assert_eq!((after.phone_number, after.privileges), (None, Privileges::None));
}

#[test]
fn an_account_is_closed_once() {
    let mut gone = somebody();
    gone.unregister(noon()).expect("they may leave");
    let before = gone.clone();

    assert_eq!(gone.unregister(noon()), Err(CannotClose::AlreadyClosed));
    assert_eq!(gone.ban(None, noon()), Err(CannotClose::AlreadyClosed));
    assert_eq!(gone.change_profile(named("Kim")), Err(CannotChangeUser::Closed));
    assert_eq!(gone.change_account(AccountChange::default(), noon()), Err(CannotChangeUser::Closed));
    assert_eq!(gone, before, "a refusal leaves no trace");
}

#[test]
fn a_superuser_is_neither_banned_nor_deprived_of_the_staff_flag() {
    let mut superuser = a_superuser();
    let before = superuser.clone();
    let change = AccountChange { is_staff: Some(false), ..AccountChange::default() };

    assert_eq!(superuser.ban(None, noon()), Err(CannotClose::Superuser));
    assert_eq!(superuser.unregister(noon()), Err(CannotClose::Superuser));
    assert_eq!(superuser.change_account(change, noon()), Err(CannotChangeUser::SuperuserWithoutStaffFlag));
    assert_eq!(superuser, before, "a refusal leaves no trace");
}

#[test]
fn a_superuser_changes_flags_address_and_groups() {
    let mut user = somebody();
    let groups = vec![GroupName::parse("night shift").expect("a group")];
    let change = AccountChange {
        is_staff: Some(true),
        is_active: Some(false),
        email: Some(Email::parse("kim@example.com").ok()),
        groups: Some(groups.clone()),
    };

    let switched = user.change_account(change.clone(), noon()).expect("it can be changed");

    assert_eq!(switched.map(|it| it.name()), Some("UserSuspended"));
    assert_eq!(user.clone().change_account(change, noon()), Ok(None), "it is off already");
    let after = user.snapshot();
    assert_eq!((after.privileges, after.role), (Privileges::Staff, Role::Staff { groups }));
    assert_eq!(after.state, UserState::Inactive { since: noon() });
    assert!(after.email.is_some());

    let back = AccountChange { is_active: Some(true), is_staff: Some(false), ..AccountChange::default() };
    let switched = user.change_account(back.clone(), noon()).expect("it can be changed");
    assert_eq!(switched.map(|it| it.name()), Some("UserReinstated"));
    assert_eq!(user.change_account(back, noon()), Ok(None), "it is on already");
    assert_eq!((user.snapshot().state, user.snapshot().privileges), (UserState::Active, Privileges::None));
}

#[test]
fn drivers_are_in_no_group() {
    let mut driver = a_driver();
    let groups = Some(vec![GroupName::parse("night shift").expect("a group")]);
    let change = AccountChange { is_staff: Some(true), groups, ..AccountChange::default() };
    let before = driver.clone();

    assert_eq!(driver.change_account(change, noon()), Err(CannotChangeUser::GroupsOfDriver));
    assert_eq!(driver, before, "a refusal leaves no trace");
    let none = AccountChange { groups: Some(vec![]), ..AccountChange::default() };
    assert_eq!(driver.change_account(none, noon()), Ok(None), "in none they are already");
}
