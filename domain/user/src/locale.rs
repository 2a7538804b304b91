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
