//! What is white space, to us and to whoever reads the document.

/// White space as a class for patterns. What `\s` is depends on who reads it: the four separators and `U+0085` are white space
/// to Python and not to JavaScript (ECMA 262, 22.2.2.9), and of the byte order mark it is the other way round.
pub(super) const WHITE_SPACE: &str = r"[\s\u001C-\u001F\u0085\uFEFF]";

/// `text` without the white space around it.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|it: char| it.is_whitespace() || matches!(it, '\u{1c}'..='\u{1f}' | '\u{feff}'))
}
