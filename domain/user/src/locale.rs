//! The language that somebody reads.

/// A language tag like `en` or `ko-KR` (BCP 47), at most 16 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale(String);

/// A text that is no language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a language is letters, then subtags after dashes, at most {} characters", Locale::MAX_CHARS)]
pub struct InvalidLocale;

impl Locale {
    /// Characters in the longest tag.
    pub const MAX_CHARS: usize = 16;

    /// Takes a tag as given.
    pub fn parse(raw: &str) -> Result<Self, InvalidLocale> {
        let subtag = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric());
        let well_formed = raw.len() <= Self::MAX_CHARS && raw.split('-').all(subtag);
        if well_formed { Ok(Self(raw.to_owned())) } else { Err(InvalidLocale) }
    }

    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Locale {
    /// Korean, as the numbers of most users are.
    fn default() -> Self {
        Self("ko".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_kept_as_it_was_given() {
        for raw in ["en", "ko-KR", "zh-Hant-TW", "sixteen-letters1"] {
            assert_eq!(Locale::parse(raw).map(|it| it.as_str().to_owned()), Ok(raw.to_owned()));
        }
        assert_eq!(Locale::default().as_str(), "ko");
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for raw in ["", "ko-", "-KR", "ko_KR", "ko KR", "seventeen-letters"] {
            assert_eq!(Locale::parse(raw), Err(InvalidLocale), "{raw}");
        }
    }
}
