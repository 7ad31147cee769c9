//! Makes text safe for a terminal. Characters that a sender or a server chose could move the
//! cursor, forge a line or reverse the reading direction.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write as _},
};

/// Returns the text with control characters, line separators and directional controls escaped. The
/// escapes are JSON's, so JSON text that has such characters in its strings stays valid and means
/// the same.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// Does the same, but keeps line breaks and tabs: for whole documents.
pub(crate) fn printable_lines(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") {
        escape(&text.replace("\r\n", "\n"), is_layout).into_owned().into()
    } else {
        escape(text, is_layout)
    }
}

/// Prints a line to standard error. If that is closed, there is nobody to tell.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(text));
}

fn is_layout(character: char) -> bool {
    matches!(character, '\n' | '\t')
}

fn escape(text: &str, is_kept: fn(char) -> bool) -> Cow<'_, str> {
    let needs_escape = |character| !is_kept(character) && is_unsafe(character);
    if !text.contains(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            _ if !needs_escape(character) => out.push(character),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => {
                // Writing into a string cannot fail. All these characters have four digits at most.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
        }
    }
    out.into()
}

/// Source of the directional controls:
/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>.
fn is_unsafe(character: char) -> bool {
    let is_separator = matches!(character, '\u{2028}' | '\u{2029}');
    let is_directional = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    character.is_control() || is_separator || is_directional
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_separators_and_directional_controls_are_escaped() {
        for (text, expected) in [
            ("a\u{1b}[31m\nb", "a\\u001b[31m\\nb"),
            ("\r\t\0\u{7f}\u{85}\u{9b}", "\\r\\t\\u0000\\u007f\\u0085\\u009b"),
            ("\u{2028}\u{2029}", "\\u2028\\u2029"),
            ("\u{61c}\u{200e}\u{200f}", "\\u061c\\u200e\\u200f"),
            ("\u{202a}\u{202e}\u{2066}\u{2069}", "\\u202a\\u202e\\u2066\\u2069"),
            ("Zoë \u{1f600} \\u001b \u{2027}\u{202f}", "Zoë \u{1f600} \\u001b \u{2027}\u{202f}"),
        ] {
            assert_eq!(printable(text), expected, "{text:?}");
        }
    }

    #[test]
    fn documents_keep_their_line_breaks_and_tabs() {
        assert_eq!(
            printable_lines("{\r\n\t\"a\": \"\u{1b}\r\"\n}"),
            "{\n\t\"a\": \"\\u001b\\r\"\n}"
        );
    }

    #[test]
    fn escaped_json_text_parses_to_the_same_value() {
        let text = "\"a\u{202e}b\u{2028}\u{85}\"";
        let value: String = serde_json::from_str(&printable(text)).expect("still JSON");
        assert_eq!(value, "a\u{202e}b\u{2028}\u{85}");
    }
}
