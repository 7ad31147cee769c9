//! Checks that a text is a JSON object and reads some of its members, in one pass.

use std::borrow::Cow;
use std::fmt;

use super::lexer::{Fault, StringSpan, Visitor, walk};
use super::text::{CodePoints, decodes_to};

/// The text is not a JSON object by RFC 8259, or is nested deeper than
/// [`MAX_DEPTH`](super::MAX_DEPTH).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the text is not a JSON object")]
pub struct NotAnObject;

/// The text of a value, exactly as it is in the document.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct RawValue<'a>(&'a str);

/// Shows only the length: payload bytes are never logged.
impl fmt::Debug for RawValue<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RawValue({} bytes)", self.0.len())
    }
}

impl<'a> RawValue<'a> {
    /// Returns the bytes of the value.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.0.as_bytes()
    }

    /// Returns whether the value is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Returns the decoded text of a string. Returns `None` if the value is not a string, is empty,
    /// or has a lone surrogate.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if inner.is_empty() {
            None
        } else if inner.contains('\\') {
            CodePoints::new(inner).map(char::from_u32).collect::<Option<String>>().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }
}

/// Checks that `text` is a JSON object by RFC 8259, and returns the values at `paths`.
///
/// A path lists member names, outermost first: `["payload", "account_id"]`. It leads through
/// objects only, never through an array. Names are compared after decoding their escapes. The last
/// of duplicate members counts, at every level: after `{"payload": {"id": 1}, "payload": {}}`,
/// nothing is found at `["payload", "id"]`.
///
/// # Errors
///
/// [`NotAnObject`] for malformed text, values other than objects, bytes that are not UTF-8, a
/// byte-order mark, `NaN` and `Infinity`, and more than [`MAX_DEPTH`](super::MAX_DEPTH) open
/// brackets.
///
/// # Examples
///
/// ```
/// use webhook_verify::json::read_object;
///
/// let text = br#"{"id": "evt_1", "page": {"count": 2.0}}"#;
/// let [id, count] = read_object(text, [&["id"], &["page", "count"]])?;
/// assert_eq!(id.and_then(|value| value.text()).as_deref(), Some("evt_1"));
/// assert_eq!(count.map(|value| value.bytes()), Some(b"2.0".as_slice()));
/// # Ok::<(), webhook_verify::json::NotAnObject>(())
/// ```
pub fn read_object<'a, const N: usize>(
    text: &'a [u8],
    paths: [&[&str]; N],
) -> Result<[Option<RawValue<'a>>; N], NotAnObject> {
    let mut searches = paths.map(Search::new);
    find(text, &mut searches)?;
    Ok(searches.map(|search| search.found))
}

/// Does the same as [`read_object`] for a list of pointers such as `/payload/account_id`. They are
/// JSON pointers (RFC 6901) without escapes: no name has a `/` or a `~`.
///
/// # Errors
/// [`NotAnObject`].
pub(crate) fn read_pointers<'a>(
    text: &'a [u8],
    pointers: &[&str],
) -> Result<Vec<Option<RawValue<'a>>>, NotAnObject> {
    let paths: Vec<Vec<&str>> =
        pointers.iter().map(|pointer| pointer.split('/').skip(1).collect()).collect();
    let mut searches: Vec<_> = paths.iter().map(|path| Search::new(path)).collect();
    find(text, &mut searches)?;
    Ok(searches.into_iter().map(|search| search.found).collect())
}

fn find<'a>(text: &'a [u8], searches: &mut [Search<'a, '_>]) -> Result<(), NotAnObject> {
    let text = std::str::from_utf8(text).map_err(|_| NotAnObject)?;
    walk(text, &mut Finder { text, searches })?;
    if text.trim_start().starts_with('{') { Ok(()) } else { Err(NotAnObject) }
}

impl From<Fault> for NotAnObject {
    fn from(_: Fault) -> Self {
        Self
    }
}

struct Finder<'a, 'p, 's> {
    text: &'a str,
    searches: &'s mut [Search<'a, 'p>],
}

/// The search for the value at one path.
struct Search<'a, 'p> {
    path: &'p [&'p str],
    /// How many names of the path, from its start, lead to the current member.
    matched: usize,
    /// Where the value of the last matching member starts.
    value: usize,
    found: Option<RawValue<'a>>,
}

impl<'p> Search<'_, 'p> {
    fn new(path: &'p [&'p str]) -> Self {
        Self { path, matched: 0, value: 0, found: None }
    }
}

impl Visitor for Finder<'_, '_, '_> {
    type Refusal = NotAnObject;

    #[inline]
    fn member(&mut self, name: StringSpan, value: usize, depth: usize) -> Result<(), NotAnObject> {
        for search in &mut *self.searches {
            // All brackets around this member must be objects that the path names. An array among
            // them never matches, so `matched` stays less than `outer`.
            let outer = depth - 1;
            if outer < search.path.len() && search.matched >= outer {
                search.matched = outer;
                let inner = &self.text[name.start + 1..name.end - 1];
                if decodes_to(inner, name.has_escapes, search.path[outer]) {
                    search.matched = depth;
                    search.value = value;
                    search.found = None;
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn value_end(&mut self, end: usize, depth: usize) {
        for search in &mut *self.searches {
            if depth == search.matched && depth == search.path.len() {
                search.found = Some(RawValue(&self.text[search.value..end]));
            }
        }
    }
}
