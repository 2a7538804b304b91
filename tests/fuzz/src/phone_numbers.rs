//! Phone numbers: what is read is written as it was read, and what can be assigned stays so.

use std::sync::LazyLock;

use auth_application::NumberingPlans as _;
use kernel_application::InternationalForm as _;
use kernel_domain::PhoneNumber;
use phonenumbers_adapter::Libphonenumber;

static PLANS: LazyLock<Libphonenumber> = LazyLock::new(Libphonenumber::load);

pub(crate) fn take(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(number) = PhoneNumber::parse(text) else { return };

    assert_eq!(PhoneNumber::parse(number.as_str()).as_ref(), Ok(&number));
    assert!((8..=15).contains(&number.digits().len()) && number.digits().bytes().all(|it| it.is_ascii_digit()));
    assert!(!format!("{number:?}").contains(&number.digits()[3..]), "a log would show it");

    let country = PLANS.country(&number);
    assert!(country.as_ref().is_none_or(Libphonenumber::knows), "no plan is that of {country:?}");
    let Ok(assignable) = PLANS.assignable(&number) else {
        assert_eq!((country, PLANS.of(&number)), (None, number));
        return;
    };
    assert_eq!(PLANS.assignable(&assignable).as_ref(), Ok(&assignable));
    assert_eq!(PLANS.of(&number), assignable);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_ours_can_be_assigned() {
        let number = PhoneNumber::parse("+82 10-1234-5678").expect("a number");

        assert!(PLANS.assignable(&number).is_ok() && PLANS.country(&number).is_some());
    }
}
