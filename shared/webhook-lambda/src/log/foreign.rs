//! Makes text that a sender chose safe to show.

use std::borrow::Cow;

/// Escapes the characters that a terminal or an editor would act on instead of showing them:
/// controls, line and paragraph separators, and marks that change the direction of writing. An
/// escape looks like `\u{202e}`.
/// Source: <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return text.into();
    }
    let mut visible = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_invisible(character) {
            visible.extend(character.escape_unicode());
        } else {
            visible.push(character);
        }
    }
    visible.into()
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_invisible_characters_stays_as_it_is() {
        for text in [
            "",
            "account.added",
            "Zoë \"x\" \\ 漢字 🦀",
            "\u{61b}\u{61d}\u{200d}\u{2010}\u{202f}\u{2065}\u{206a}",
        ] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn controls_separators_and_marks_of_direction_are_escaped() {
        for (text, expected) in [
            ("a\u{1b}[31m\nb", "a\\u{1b}[31m\\u{a}b"),
            ("\0\u{7f}\u{9b}", "\\u{0}\\u{7f}\\u{9b}"),
            ("\u{61c}\u{200e}\u{200f}", "\\u{61c}\\u{200e}\\u{200f}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            (
                "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}",
                "\\u{202a}\\u{202b}\\u{202c}\\u{202d}\\u{202e}",
            ),
            ("\u{2066}\u{2067}\u{2068}\u{2069}", "\\u{2066}\\u{2067}\\u{2068}\\u{2069}"),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
        }
    }
}
