//! Takes out of a text what may be a secret or tell who somebody is, for readers who need neither.

use uuid::Uuid;

/// So many digits in a row may be a phone number or a one-time token.
const DIGITS: usize = 6;

/// Words that are so long, and have digits, may be keys or tokens.
const LONG: usize = 20;

/// What stands in for it.
const MASK: &str = "…";

/// The text with a mask for each word that looks like a number, a key or a token. Identifiers stay.
pub(super) fn masked(text: &str) -> String {
    let is_part = |it: char| it.is_alphanumeric() || "+/=_-.~%".contains(it);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|it| is_part(it) != is_part(first)).unwrap_or(rest.len());
        let (run, others) = rest.split_at(end);
        out.push_str(if is_part(first) && is_delicate(run) { MASK } else { run });
        rest = others;
    }
    out
}

fn is_delicate(word: &str) -> bool {
    let (name, value) = word.rsplit_once('=').unwrap_or(("", word));
    if !name.bytes().any(|it| it.is_ascii_digit()) && Uuid::try_parse(value.trim_end_matches('.')).is_ok() {
        return false;
    }
    let has_digit = word.bytes().any(|it| it.is_ascii_digit());
    let digits = word
        .split(|it: char| !it.is_ascii_digit() && it != '-')
        .map(|it| it.bytes().filter(u8::is_ascii_digit).count());
    digits.max().unwrap_or_default() >= DIGITS || has_digit && word.len() >= LONG
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keys_and_tokens_are_masked() {
        for secret in [
            "+821012345678",
            "010-1234-5678",
            "123456",
            "mms_live_8fhJ2kLmQ0vXz7",
            "En0KEwoEMTIzNBgDIgkKBwgKEgMYgAgSJAgAEiA=",
            "0d15ea5e0123456789abcdef0011223344556677f8e9dacbbcad9e8f70615243",
        ] {
            assert_eq!(masked(&format!("refused: '{secret}', twice")), "refused: '…', twice", "{secret}");
        }
    }

    #[test]
    fn what_people_need_to_know_stays() {
        for text in [
            "an event is parked: it could not be delivered event=0199c0de-0000-7000-8000-000000000001 attempts=10",
            "the bus answers ThrottlingException",
            "a request failed status=503",
            "timed out after 3 s, because 10.0.0.12:3306 is down",
            "",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
