//! Text that others chose, in a form that can be shown.

use std::fmt::Write as _;

/// A longer text is cut.
const MOST_CHARACTERS: usize = 80;

/// Returns the text in backticks: bounded, and with all but printable ASCII escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("`");
    for character in text.chars().take(MOST_CHARACTERS) {
        match character {
            '`' => out.push('\''),
            ' '..='~' => out.push(character),
            _ => {
                // Writing into a string cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
        }
    }
    if text.chars().nth(MOST_CHARACTERS).is_some() {
        out.push('…');
    }
    out.push('`');
    out
}

/// Returns the items, separated by commas.
pub(crate) fn list(items: &[String]) -> String {
    items.join(", ")
}

/// Returns a duration that a person can picture.
pub(crate) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(31_557_600, "years"), (86_400, "days"), (3_600, "hours"), (60, "minutes")];
    match UNITS.iter().find(|(length, _)| seconds >= 2 * length) {
        Some((length, name)) => format!("{seconds} s (about {} {name})", (seconds + length / 2) / length),
        None => format!("{seconds} s"),
    }
}
