//! A distribution center.

use std::collections::HashSet;
use std::fmt;

use chrono::{DateTime, Utc};

use crate::{CenterId, ClosingId, StaffId};

/// A place where parcels are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Center {
    id: CenterId,
    code: CenterCode,
    name: CenterName,
    staff: Vec<StaffId>,
    created_at: DateTime<Utc>,
    closing: Option<ClosingId>,
}

impl Center {
    /// Opens a center. Its code never changes; somebody who is named twice works there once.
    pub fn open(id: CenterId, code: CenterCode, name: CenterName, staff: Vec<StaffId>, now: DateTime<Utc>) -> Self {
        Self { id, code, name, staff: each_once(staff), created_at: now, closing: None }
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: CenterName) {
        self.name = name;
    }

    /// Says anew who works there; somebody who is named twice does so once.
    pub fn restaff(&mut self, staff: Vec<StaffId>) {
        self.staff = each_once(staff);
    }

    /// Nobody plans to go there from now on, so that it can be asked whether anybody does. An attempt before this one is
    /// over.
    pub fn begin_to_close(&mut self, attempt: ClosingId) {
        self.closing = Some(attempt);
    }

    /// Closes it for good, unless it is used: a transport that has not arrived has to leave from somewhere, and to get
    /// somewhere. That it is not was asked while nobody could plan to go there.
    pub fn close(&self, is_used: bool) -> Result<(), CannotClose> {
        if is_used { Err(CannotClose::InUse(self.code.clone())) } else { Ok(()) }
    }

    /// This attempt is given up: whoever wants to may plan to go there again.
    pub fn stay_open(&mut self, attempt: ClosingId) {
        self.closing = self.closing.filter(|it| *it != attempt);
    }

    /// It is still wanted: whoever tries to close it has to begin again, and whoever wants to may plan to go there. So ends
    /// an attempt that nobody finishes, too.
    pub fn reopen(&mut self) {
        self.closing = None;
    }

    /// Whether nobody could plan to go there since this attempt began: no other one has begun or been given up.
    pub fn is_being_closed_by(&self, attempt: ClosingId) -> bool {
        self.closing == Some(attempt)
    }

    /// Who tries to close it.
    pub fn closing(&self) -> Option<ClosingId> {
        self.closing
    }

    /// Its identifier.
    pub fn id(&self) -> CenterId {
        self.id
    }

    /// Its code.
    pub fn code(&self) -> &CenterCode {
        &self.code
    }

    /// Its name.
    pub fn name(&self) -> &CenterName {
        &self.name
    }

    /// Who works there, in the order they were named.
    pub fn staff(&self) -> &[StaffId] {
        &self.staff
    }

    /// When it was opened.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
}

fn each_once(mut staff: Vec<StaffId>) -> Vec<StaffId> {
    let mut known = HashSet::new();
    staff.retain(|it| known.insert(*it));
    staff
}

/// Why a center stays open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotClose {
    /// A transport that has not arrived starts or ends there.
    #[error("center {0} is used by a transport that has not arrived")]
    InUse(CenterCode),
}

/// Everything a store must keep to bring a center back, unjudged: rules guard transitions, never history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Center`")]
pub struct CenterSnapshot {
    pub id: CenterId,
    pub code: CenterCode,
    pub name: CenterName,
    pub staff: Vec<StaffId>,
    pub created_at: DateTime<Utc>,
    pub closing: Option<ClosingId>,
}

impl Center {
    /// What a store keeps.
    pub fn snapshot(&self) -> CenterSnapshot {
        let Self { id, code, name, staff, created_at, closing } = self.clone();
        CenterSnapshot { id, code, name, staff, created_at, closing }
    }
}

impl From<CenterSnapshot> for Center {
    fn from(CenterSnapshot { id, code, name, staff, created_at, closing }: CenterSnapshot) -> Self {
        Self { id, code, name, staff, created_at, closing }
    }
}

/// The code that everybody calls a center by: compared exactly, letter case and all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CenterCode(String);

/// Why a text is no center code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCenterCode {
    /// There is nothing in it.
    #[error("a center code may not be blank")]
    Blank,
    /// It is longer than [`CenterCode::MAX_CHARS`].
    #[error("a center code has at most {} characters", CenterCode::MAX_CHARS)]
    TooLong,
    /// It holds a control character: two codes that look alike must be alike.
    #[error("a center code holds no control characters")]
    Characters,
}

impl CenterCode {
    /// Characters in the longest code.
    pub const MAX_CHARS: usize = 16;

    /// Takes a code as given, without surrounding white space.
    pub fn parse(raw: &str) -> Result<Self, InvalidCenterCode> {
        let code = raw.trim();
        if code.is_empty() {
            return Err(InvalidCenterCode::Blank);
        }
        if code.chars().count() > Self::MAX_CHARS {
            return Err(InvalidCenterCode::TooLong);
        }
        if code.contains(char::is_control) {
            return Err(InvalidCenterCode::Characters);
        }
        Ok(Self(code.to_owned()))
    }

    /// The code's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a center is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CenterName(String);

/// Why a text is no name of a center.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCenterName {
    /// There is nothing in it.
    #[error("a center's name may not be blank")]
    Blank,
    /// It is longer than [`CenterName::MAX_CHARS`].
    #[error("a center's name has at most {} characters", CenterName::MAX_CHARS)]
    TooLong,
    /// It holds a control character.
    #[error("a center's name holds no control characters")]
    Characters,
}

impl CenterName {
    /// Characters in the longest name.
    pub const MAX_CHARS: usize = 64;

    /// Takes a name as given, without surrounding white space.
    pub fn parse(raw: &str) -> Result<Self, InvalidCenterName> {
        let name = raw.trim();
        if name.is_empty() {
            return Err(InvalidCenterName::Blank);
        }
        if name.chars().count() > Self::MAX_CHARS {
            return Err(InvalidCenterName::TooLong);
        }
        if name.contains(char::is_control) {
            return Err(InvalidCenterName::Characters);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CenterCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CenterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{a_center, a_staff_member, an_attempt};

    #[test]
    fn somebody_who_is_named_twice_works_there_once() {
        let (ann, bob) = (a_staff_member(), a_staff_member());

        let center = a_center().staffed_by(&[ann, bob, ann]).build();

        assert_eq!(center.staff(), [ann, bob]);
    }

    #[test]
    fn a_center_changes_its_name_and_its_people_and_nothing_else() {
        let (ann, bob) = (a_staff_member(), a_staff_member());
        let mut center = a_center().staffed_by(&[ann]).build();
        let before = center.snapshot();
        let name = CenterName::parse("Busan").expect("a name");

        center.rename(name.clone());
        center.restaff(vec![bob, ann, bob]);

        assert_eq!(center.snapshot(), CenterSnapshot { name, staff: vec![bob, ann], ..before });
    }

    #[test]
    fn a_center_is_closed_unless_it_is_used() {
        let center = a_center().called("ABC001").build();

        assert_eq!(center.close(false), Ok(()));
        assert_eq!(center.close(true), Err(CannotClose::InUse(center.code().clone())));
    }

    #[test]
    fn of_two_attempts_to_close_it_the_later_one_counts() {
        let (mut center, first, second) = (a_center().build(), an_attempt(), an_attempt());
        assert!(!center.is_being_closed_by(first));

        center.begin_to_close(first);
        center.begin_to_close(second);
        center.stay_open(first);

        assert!(center.is_being_closed_by(second) && !center.is_being_closed_by(first));
        assert_eq!(center.closing(), Some(second));
        center.stay_open(second);
        assert_eq!(center.closing(), None);
    }

    #[test]
    fn a_center_that_is_reopened_is_closed_by_no_attempt_that_began_before() {
        let (mut center, attempt) = (a_center().build(), an_attempt());
        let before = center.clone();
        center.begin_to_close(attempt);

        center.reopen();

        assert!(!center.is_being_closed_by(attempt));
        assert_eq!(center, before);
    }

    #[test]
    fn codes_and_names_are_trimmed_bounded_and_never_blank() {
        let (code, name) =
            (CenterCode::parse(" ABC001 ").expect("a code"), CenterName::parse(" Busan ").expect("a name"));
        assert_eq!((code.as_str(), code.to_string().as_str()), ("ABC001", "ABC001"));
        assert_eq!((name.as_str(), name.to_string().as_str()), ("Busan", "Busan"));
        assert_eq!(CenterCode::parse(" "), Err(InvalidCenterCode::Blank));
        assert_eq!(CenterCode::parse(&"A".repeat(17)), Err(InvalidCenterCode::TooLong));
        assert!(CenterCode::parse(&"센".repeat(16)).is_ok(), "characters count, not bytes");
        assert_eq!(CenterCode::parse("A\nB"), Err(InvalidCenterCode::Characters));
        assert_eq!(CenterName::parse("\u{7}"), Err(InvalidCenterName::Characters));
        assert_eq!(CenterName::parse(""), Err(InvalidCenterName::Blank));
        assert_eq!(CenterName::parse(&"센".repeat(65)), Err(InvalidCenterName::TooLong));
        assert!(CenterName::parse(&"센".repeat(64)).is_ok(), "characters count, not bytes");
    }
}
