//! Text that others chose, in a form that can be shown.

use std::fmt::{self, Write as _};

/// Longer texts are cut.
const MOST_CHARACTERS: usize = 80;

/// Returns the text in double quotes, cut if it is long, with all but printable ASCII escaped.
pub(crate) fn quoted(text: &str) -> String {
    quoted_to(text, MOST_CHARACTERS)
}

/// Does what [`quoted`] does, with a limit of its own.
pub(crate) fn quoted_to(text: &str, limit: usize) -> String {
    let mut out = String::from("\"");
    for character in text.chars().take(limit) {
        match character {
            '"' => out.push('\''),
            ' '..='~' => out.push(character),
            _ => {
                // Writing into a string cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
        }
    }
    if text.chars().nth(limit).is_some() {
        out.push('…');
    }
    out.push('"');
    out
}

/// Returns the sentence of an error with double quotes for its backticks. The page and the terminal
/// show explanations as they are, so these have no markup.
pub(crate) fn plain(error: &impl fmt::Display) -> String {
    error.to_string().replace('`', "\"")
}

/// Returns a duration that a person can picture.
pub(crate) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(31_557_600, "years"), (86_400, "days"), (3_600, "hours"), (60, "minutes")];
    match UNITS.iter().find(|(length, _)| seconds >= 2 * length) {
        Some((length, name)) => {
            format!("{seconds} s (about {} {name})", (seconds + length / 2) / length)
        }
        None => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_leave_its_quotes() {
        let expected = r#""x-a'b\u{a}\u{1b}\u{202e}\u{e9}""#;
        assert_eq!(quoted("x-a\"b\n\u{1b}\u{202e}é"), expected);
    }

    #[test]
    fn foreign_text_is_cut_after_80_characters() {
        assert_eq!(quoted(&"a".repeat(81)), format!("\"{}…\"", "a".repeat(80)));
        assert_eq!(quoted(&"a".repeat(80)), format!("\"{}\"", "a".repeat(80)));
    }

    #[test]
    fn errors_are_shown_without_backticks() {
        assert_eq!(plain(&"header `x-a` is missing"), "header \"x-a\" is missing");
    }

    #[test]
    fn long_durations_are_rounded_to_a_readable_unit() {
        for (seconds, expected) in [
            (119, "119 s"),
            (150, "150 s (about 3 minutes)"),
            (7_200, "7200 s (about 2 hours)"),
            (172_800, "172800 s (about 2 days)"),
            (63_115_200, "63115200 s (about 2 years)"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }
}
