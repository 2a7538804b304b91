//! The numbering plans of the world, as Google's libphonenumber describes them.

use auth_application::{Country, NumberingPlans, UnassignableNumber};
use kernel_application::InternationalForm;
use kernel_domain::PhoneNumber;
use phonenumber::Type;
use phonenumber::metadata::{DATABASE, Descriptor, Metadata};

/// Digits in the longest country code.
const COUNTRY_DIGITS: usize = 3;

/// What a number can be assigned as.
const ASSIGNED: [Type; 10] = [
    Type::Mobile,
    Type::FixedLine,
    Type::TollFree,
    Type::PremiumRate,
    Type::SharedCost,
    Type::PersonalNumber,
    Type::Voip,
    Type::Pager,
    Type::Uan,
    Type::Voicemail,
];

/// libphonenumber's metadata. Only its patterns are used: the parser beside them gives away digits that belong to a number
/// (`+7 800 123-45-67`), takes a number that merely begins like one, and has panicked on crafted input.
pub struct Libphonenumber(());

impl Libphonenumber {
    /// Loads the metadata, which takes some 50 ms: better now than during somebody's request.
    pub fn load() -> Self {
        DATABASE.by_code(&82);
        Self(())
    }

    /// Whether there is a plan of this country.
    pub fn knows(country: &Country) -> bool {
        DATABASE.by_id(country.code()).is_some()
    }
}

impl NumberingPlans for Libphonenumber {
    fn assignable(&self, number: &PhoneNumber) -> Result<PhoneNumber, UnassignableNumber> {
        let (country, national, plans) = plans(number.digits()).ok_or(UnassignableNumber)?;
        if plans.iter().any(|plan| has(plan, national)) {
            return Ok(number.clone());
        }
        let without_prefix = |plan: &&Metadata| {
            let rest = national.strip_prefix(plan.national_prefix()?)?;
            has(plan, rest).then(|| format!("+{country}{rest}"))
        };
        let assignable = plans.iter().find_map(without_prefix).ok_or(UnassignableNumber)?;
        PhoneNumber::parse(&assignable).map_err(|_| UnassignableNumber)
    }

    fn country(&self, number: &PhoneNumber) -> Option<Country> {
        let (_, national, plans) = plans(number.digits())?;
        plans.iter().find(|plan| has(plan, national)).and_then(|plan| Country::parse(plan.id()))
    }
}

impl InternationalForm for Libphonenumber {
    fn of(&self, number: &PhoneNumber) -> PhoneNumber {
        self.assignable(number).unwrap_or_else(|UnassignableNumber| number.clone())
    }
}

/// The country's code, the rest of the number, and the plans of the countries that share the code.
fn plans(digits: &str) -> Option<(&str, &str, Vec<&'static Metadata>)> {
    (1..=COUNTRY_DIGITS).find_map(|length| {
        let (country, national) = digits.split_at_checked(length)?;
        let plans = DATABASE.by_code(&country.parse().ok()?)?;
        Some((country, national, plans))
    })
}

/// Whether the plan assigns this number, all of it, as anything.
fn has(plan: &Metadata, national: &str) -> bool {
    let all = |it: &Descriptor| {
        it.national_number().find(national).is_some_and(|found| found.start() == 0 && found.end() == national.len())
    };
    plan.leading_digits().is_none_or(|it| it.find(national).is_some_and(|found| found.start() == 0))
        && ASSIGNED.into_iter().filter_map(|kind| plan.descriptors().get(kind)).any(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assignable(text: &str) -> Option<String> {
        let number = PhoneNumber::parse(text).expect("well formed");
        Libphonenumber::load().assignable(&number).ok().map(|it| it.as_str().to_owned())
    }

    #[test]
    fn a_number_of_a_plan_is_left_as_it_is() {
        for number in [
            "+821012345678",
            "+82101234567",
            "+8225551234",
            "+12015550123",
            "+390612345678",
            "+78001234567",
            "+77012345678",
            "+2250123456789",
            "+5491123456789",
            "+80012345678",
        ] {
            assert_eq!(assignable(number).as_deref(), Some(number));
        }
    }

    #[test]
    fn a_zero_too_many_is_taken_away() {
        assert_eq!(assignable("+82-010-1234-5678").as_deref(), Some("+821012345678"));
        assert_eq!(assignable("+33 06 31 96 65 43").as_deref(), Some("+33631966543"));
        assert_eq!(
            assignable("+44 (0)20 7946 0018".replace(['(', ')'], "").as_str()).as_deref(),
            Some("+442079460018")
        );
    }

    #[test]
    fn what_no_country_assigns_is_refused() {
        for number in [
            "+8210123456789",
            "+8210123456",
            "+821059900001",
            "+82001012345678",
            "+12530000000",
            "+11201555012",
            "+39612345678",
            "+97233142764978",
            "+99912345678",
            "+999999999999999",
        ] {
            assert_eq!(assignable(number), None, "{number}");
        }
    }

    #[test]
    fn countries_that_share_a_code_are_told_apart() {
        for (number, country) in [
            ("+821012345678", Some("KR")),
            ("+12015550123", Some("US")),
            ("+15062345678", Some("CA")),
            ("+18762101234", Some("JM")),
            ("+77710009998", Some("KZ")),
            ("+79123456789", Some("RU")),
            ("+80012345678", None),
        ] {
            let parsed = PhoneNumber::parse(number).expect("well formed");
            let found = Libphonenumber::load().country(&parsed);
            assert_eq!(found.as_ref().map(Country::code), country, "{number}");
        }
    }

    #[test]
    fn a_country_without_a_plan_is_not_known() {
        for (code, is_known) in [("kr", true), ("US", true), ("ZZ", false), ("XX", false)] {
            assert_eq!(Libphonenumber::knows(&Country::parse(code).expect("two letters")), is_known, "{code}");
        }
    }

    /// libphonenumber gives an example for each kind of number in each country.
    #[test]
    fn every_example_of_every_plan_is_taken() {
        let mut examples = 0;
        for plan in DATABASE.iter() {
            for example in ASSIGNED.into_iter().filter_map(|kind| plan.descriptors().get(kind)?.example()) {
                let number = format!("+{}{example}", plan.country_code());
                if PhoneNumber::parse(&number).is_ok() {
                    assert_eq!(assignable(&number).as_deref(), Some(number.as_str()), "{}", plan.id());
                    examples += 1;
                }
            }
        }
        assert!(examples > 1000, "{examples}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_was_answered_is_answered_again(digits in "[1-9][0-9]{7,14}") {
            if let Some(once) = assignable(&format!("+{digits}")) {
                prop_assert!(once.len() <= 16 && once[1..].bytes().all(|it| it.is_ascii_digit()));
                prop_assert_eq!(assignable(&once), Some(once));
            }
        }

        #[test]
        fn every_korean_mobile_number_is_taken(number in 0..90_000_000_u32) {
            prop_assume!(!(59_700_000..60_000_000).contains(&number));
            let number = format!("+8210{number:08}");
            prop_assert_eq!(assignable(&number), Some(number));
        }
    }
}
