//! A provider's name in all its spellings.

use super::error::ScaffoldError;

/// A name that is valid everywhere that a provider is named.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Name(String);

/// The longest name that a description may have.
pub(super) const MAX_BYTES: usize = 32;

/// Words that a module, a package, a binary, a constant or a value cannot have as its name, with
/// spaces between them.
const RESERVED: &str = "\
    abstract alloc as async await become bool box break build char const continue core crate demo \
    deps do dyn else enum examples extern f32 f64 false final fn for gen i128 i16 i32 i64 i8 if \
    impl in incremental isize let loop macro match mod move mut no null off on one-more override \
    priv proc-macro provider providers pub ref return scheme self signature static std str struct \
    super test tests trait true try type typeof u128 u16 u32 u64 u8 unsafe unsized use usize v1 \
    v2 virtual webhook where while yes yield";

impl Name {
    /// Accepts words of lower-case letters and digits, with hyphens between them.
    pub(crate) fn new(name: &str) -> Result<Self, ScaffoldError> {
        let refuse = |reason| Err(ScaffoldError::Name { name: name.to_owned(), reason });
        let is_word = |word: &str| {
            word.starts_with(|first: char| first.is_ascii_lowercase())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if name.len() > MAX_BYTES {
            refuse("it has more than 32 characters")
        } else if !name.split('-').all(is_word) {
            refuse(
                "it must be words with hyphens between them, each a lower-case letter followed by \
                 lower-case letters and digits",
            )
        } else if RESERVED.split(' ').any(|word| word == name) {
            refuse("Rust, Cargo, YAML or this repository uses the word")
        } else if !name
            .split('-')
            .any(|word| word.bytes().filter(u8::is_ascii_lowercase).count() > 1)
        {
            // Otherwise the spelling like `Acme` could not be told from the one like `ACME`.
            refuse("it needs a word with at least two letters")
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// Returns the error for a name that cannot be used here.
    pub(crate) fn refused(&self, reason: &'static str) -> ScaffoldError {
        ScaffoldError::Name { name: self.0.clone(), reason }
    }

    /// Returns an error if one of these names is the same, or looks the same in one of its
    /// spellings.
    pub(crate) fn is_free_among(&self, deployed: &[Self]) -> Result<(), ScaffoldError> {
        match deployed.iter().find(|other| other.pascal().eq_ignore_ascii_case(&self.pascal())) {
            Some(other) => Err(ScaffoldError::Taken(other.0.clone())),
            None => Ok(()),
        }
    }

    /// `acme-pay`: in paths, keys, arguments and values.
    pub(crate) fn kebab(&self) -> &str {
        &self.0
    }

    /// `acme_pay`: a module.
    pub(crate) fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `ACME_PAY`: a constant.
    pub(crate) fn screaming(&self) -> String {
        self.snake().to_ascii_uppercase()
    }

    /// `AcmePay`: in the template.
    pub(crate) fn pascal(&self) -> String {
        self.capitalized("")
    }

    /// `Acme Pay`: in sentences.
    pub(crate) fn title(&self) -> String {
        self.capitalized(" ")
    }

    fn capitalized(&self, between: &str) -> String {
        let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        self.0.split('-').map(word).collect::<Vec<_>>().join(between)
    }

    /// Returns whether the text has this name, in a spelling for sentences or for code, as a whole
    /// word.
    pub(crate) fn is_named_in(&self, text: &str) -> bool {
        let spellings =
            [self.kebab(), &self.snake(), &self.screaming(), &self.pascal(), &self.title()];
        spellings.iter().any(|spelling| has_word(text, spelling))
    }

    /// Returns `text` with this name in place of the other one, in every spelling in which that is
    /// found as a whole word.
    pub(crate) fn in_place_of(&self, other: &Self, text: &str) -> String {
        let mut renamed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let before = character_before(text, rest);
            if let Some((length, spelling)) = self.spelled_at(other, before, rest) {
                renamed.push_str(&spelling);
                rest = &rest[length..];
            } else {
                renamed.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        renamed
    }

    /// If `text` begins with a spelling of the other name, returns its length and this name in the
    /// same spelling. `before` is the character before the text.
    fn spelled_at(
        &self,
        other: &Self,
        before: Option<char>,
        text: &str,
    ) -> Option<(usize, String)> {
        let found = |spelling: &str| {
            let after = text.strip_prefix(spelling)?.chars().next();
            let is_capitalized = spelling.starts_with(|first: char| first.is_ascii_uppercase());
            let is_screaming = !spelling.contains(|any: char| any.is_ascii_lowercase());
            let continues = |next: char| {
                if is_screaming {
                    next.is_ascii_alphanumeric()
                } else {
                    next.is_ascii_lowercase() || next.is_ascii_digit()
                }
            };
            let begins_inside = |previous: char| {
                if is_capitalized && !is_screaming {
                    false
                } else {
                    previous.is_ascii_alphanumeric()
                }
            };
            (!after.is_some_and(continues) && !before.is_some_and(begins_inside)).then_some(after)
        };
        if let Some(after) = found(&other.pascal()) {
            let is_part =
                [before, after].into_iter().flatten().any(|next| next.is_ascii_alphanumeric());
            let is_header = before == Some('-') || after == Some('-');
            let spelling = match (is_part, is_header) {
                (true, _) => self.pascal(),
                (false, true) => self.capitalized("-"),
                (false, false) => self.title(),
            };
            return Some((other.pascal().len(), spelling));
        }
        for between in [" ", "-"] {
            let spelling = other.capitalized(between);
            if found(&spelling).is_some() {
                return Some((spelling.len(), self.capitalized(between)));
            }
        }
        if found(&other.screaming()).is_some() {
            return Some((other.screaming().len(), self.screaming()));
        }
        let is_snake = |after: Option<char>| {
            other.0.contains('-') || before == Some('_') || after == Some('_')
        };
        if let Some(after) = found(&other.snake())
            && is_snake(after)
        {
            return Some((other.snake().len(), self.snake()));
        }
        found(&other.0).map(|_| (other.0.len(), self.0.clone()))
    }
}

/// Returns whether the text has this as a whole word, of letters, digits and `_`.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let is_inside = |next: char| next.is_alphanumeric() || next == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(is_inside) && !after.starts_with(is_inside)
    })
}

/// Returns the character just before `rest`, with which `text` ends.
fn character_before(text: &str, rest: &str) -> Option<char> {
    text[..text.len() - rest.len()].chars().next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    #[test]
    fn a_name_has_one_spelling_for_each_place() {
        let name = name("acme-pay2");
        assert_eq!(
            [name.kebab(), &name.snake(), &name.screaming(), &name.pascal(), &name.title()],
            ["acme-pay2", "acme_pay2", "ACME_PAY2", "AcmePay2", "Acme Pay2"]
        );
    }

    #[test]
    fn names_that_cannot_be_spelled_everywhere_are_refused() {
        const WORDS: &str = "it must be words with hyphens between them, each a lower-case letter \
                             followed by lower-case letters and digits";
        const RESERVED_WORD: &str = "Rust, Cargo, YAML or this repository uses the word";
        for (text, reason) in [
            ("", WORDS),
            ("Acme", WORDS),
            ("acme_pay", WORDS),
            ("acme-", WORDS),
            ("acme--pay", WORDS),
            ("acme-2", WORDS),
            ("7acme", WORDS),
            ("../acme", WORDS),
            ("a23456789012345678901234567890123", "it has more than 32 characters"),
            ("match", RESERVED_WORD),
            ("webhook", RESERVED_WORD),
            ("no", RESERVED_WORD),
            ("null", RESERVED_WORD),
            ("str", RESERVED_WORD),
            ("scheme", RESERVED_WORD),
            ("providers", RESERVED_WORD),
            ("x", "it needs a word with at least two letters"),
            ("x2", "it needs a word with at least two letters"),
            ("a-b-c", "it needs a word with at least two letters"),
        ] {
            let expected = format!("{text} cannot be a provider's name: {reason}");
            assert_eq!(Name::new(text).map_err(|error| error.to_string()), Err(expected));
        }
    }

    #[test]
    fn a_name_that_is_spelled_like_another_is_taken() {
        let deployed = [name("acme-pay"), name("beta")];
        for (text, expected) in [
            ("acme-pay", Err("there is a provider acme-pay already".to_owned())),
            ("acmepay", Err("there is a provider acme-pay already".to_owned())),
            ("acme", Ok(())),
        ] {
            assert_eq!(
                name(text).is_free_among(&deployed).map_err(|error| error.to_string()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_name_is_found_in_every_spelling_but_only_as_a_whole_word() {
        for text in ["an acme-pay", "AcmePay.", "a::ACME_PAY;", "Acme Pay's", "acme_pay"] {
            assert!(name("acme-pay").is_named_in(text), "{text}");
        }
        for text in ["", "acme", "acme-payments", "ACME_PAYS", "AcmePayOn", "pay"] {
            assert!(!name("acme-pay").is_named_in(text), "{text}");
        }
    }

    #[test]
    fn a_name_is_replaced_in_every_spelling_but_only_as_a_whole_word() {
        for (from, to, text, expected) in [
            (
                "pin",
                "acme-pay",
                "PIN pin Pin's EnablePin PinOn X-Pin-Id x-pin-id pin_id PINS pins spin Pinned \
                 É-pin",
                "ACME_PAY acme-pay Acme Pay's EnableAcmePay AcmePayOn X-Acme-Pay-Id x-acme-pay-id \
                 acme_pay_id PINS pins spin Pinned É-acme-pay",
            ),
            (
                "acme-pay",
                "pin",
                "ACME_PAY acme-pay acme_pay Acme Pay X-Acme-Pay-Id AcmePay AcmePayOn acme",
                "PIN pin pin Pin X-Pin-Id Pin PinOn acme",
            ),
        ] {
            assert_eq!(name(to).in_place_of(&name(from), text), expected);
        }
    }
}
