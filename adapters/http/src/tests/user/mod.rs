//! The user context over HTTP.

mod profile;
mod uploads;
mod users;

use user_application::ProfileRecord;
use user_application::testing::{World, a_profile, a_user};
use user_domain::{Role, User, UserId, UserSnapshot};

use super::contexts::{STAFF, Served};

/// Whoever asks, with this role.
fn me(role: Role) -> User {
    User::from(UserSnapshot { role, ..a_user(UserId::new(STAFF)).snapshot() })
}

/// A world that knows this user, who is found by the first unit of work.
fn knowing(user: &User) -> Served {
    let mut users = World::with_user(user);
    shown(&mut users, a_profile(user));
    Served { users: Box::new(users), ..Served::default() }
}

/// This is the profile of whoever asks.
fn shown(users: &mut World, profile: ProfileRecord) {
    users
        .queries
        .expect_profiles()
        .withf(|ids| *ids == [UserId::new(STAFF)])
        .returning(move |_| Ok(vec![profile.clone()]));
}
