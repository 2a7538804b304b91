//! Which language a client understands best, of those that the API speaks.

use poem::Request;
use poem::http::header;

/// Wishes that are looked at; nobody speaks more languages.
const MAX_WISHES: usize = 32;

/// A language that the API speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Korean,
}

/// How much a language is liked, and where that was said.
#[derive(Clone, Copy)]
struct Wish {
    weight: f32,
    at: usize,
}

impl Language {
    /// Its tag (BCP 47).
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// The one that a request's `Accept-Language` likes best (RFC 9110, section 12.5.4); English if it does not say.
    pub(crate) fn of(request: &Request) -> Self {
        let lines = request.headers().get_all(header::ACCEPT_LANGUAGE).iter();
        Self::preferred(lines.filter_map(|line| line.to_str().ok()))
    }

    fn preferred<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let (mut english, mut korean, mut any) = (None::<Wish>, None::<Wish>, None::<Wish>);
        for (at, term) in lines.flat_map(|line| line.split(',')).take(MAX_WISHES).enumerate() {
            let Some((range, weight)) = wish(term) else { continue };
            let wish = match range.split('-').next() {
                Some("*") => &mut any,
                Some(primary) if primary.eq_ignore_ascii_case("en") => &mut english,
                Some(primary) if primary.eq_ignore_ascii_case("ko") => &mut korean,
                _ => continue,
            };
            if wish.is_none_or(|known| weight > known.weight) {
                *wish = Some(Wish { weight, at });
            }
        }
        let Some(korean) = korean.or(any).filter(|it| it.weight > 0.0) else { return Self::English };
        match english.or(any) {
            Some(english) if english.weight > korean.weight => Self::English,
            Some(english) if english.weight < korean.weight => Self::Korean,
            Some(english) if english.at <= korean.at => Self::English,
            Some(_) | None => Self::Korean,
        }
    }
}

/// A range of languages and its weight: `ko-KR;q=0.8`.
fn wish(term: &str) -> Option<(&str, f32)> {
    let (range, parameters) = term.split_once(';').unwrap_or((term, ""));
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return Some((range.trim(), 1.0));
    }
    let weight: f32 = parameters.strip_prefix("q=").or_else(|| parameters.strip_prefix("Q="))?.parse().ok()?;
    (0.0..=1.0).contains(&weight).then_some((range.trim(), weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_chooses_and_english_is_for_all_others() {
        for (accept, chosen) in [
            ("", Language::English),
            ("ko", Language::Korean),
            ("ko-KR", Language::Korean),
            ("KO-kr,ko;q=0.9,en-US;q=0.8,en;q=0.7", Language::Korean),
            ("en-GB,ko;q=0.9", Language::English),
            ("en;q=0.5, ko;q=0.9", Language::Korean),
            ("ko,en", Language::Korean),
            ("en,ko", Language::English),
            ("fr-FR, de;q=0.9", Language::English),
            ("fr, ko;q=0.1", Language::Korean),
            ("*", Language::English),
            ("ko;q=0.5, *", Language::English),
            ("*, en;q=0", Language::Korean),
            ("ko;q=0", Language::English),
            ("ko;q=2, en;q=0.1", Language::English),
            ("ko;q=NaN", Language::English),
            ("ko;level=1", Language::English),
            (",;,;q=,-", Language::English),
        ] {
            assert_eq!(Language::preferred([accept].into_iter()), chosen, "{accept}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(Language::preferred(["fr", "en;q=0.1", "ko;q=0.2"].into_iter()), Language::Korean);
    }
}
