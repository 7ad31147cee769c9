//! Parsers for option values that several commands share.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use ureq::http::Uri;
use webhook_verify::UnixSeconds;

/// Reads a time in digits only, as receivers do.
pub(crate) fn unix_seconds(text: &str) -> Result<UnixSeconds, &'static str> {
    UnixSeconds::from_digits(text.as_bytes()).ok_or("expected whole seconds since 1970, in digits")
}

/// Reads a time as logs and people write it.
pub(crate) fn time(text: &str) -> Result<UnixSeconds, &'static str> {
    UnixSeconds::from_digits(text.as_bytes())
        .or_else(|| {
            OffsetDateTime::parse(text, &Rfc3339)
                .ok()
                .map(|time| UnixSeconds(time.unix_timestamp()))
        })
        .ok_or(
            "expected a time such as 2026-11-21T12:00:00Z, or whole seconds since 1970, in digits",
        )
}

/// Reads a value that a header line can hold without being trimmed or split.
pub(crate) fn header_value(text: &str) -> Result<String, &'static str> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("expected visible ASCII characters without spaces")
    }
}

/// Reads an absolute URL. A relative one is refused: a forgotten scheme must not be taken for a
/// host. The port must be valid: the library would ignore an invalid one.
pub(crate) fn http_url(text: &str) -> Result<Uri, &'static str> {
    const EXPECTED: &str = "expected http:// or https://, a host and, if any, a valid port";
    let url: Uri = text.parse().map_err(|_| EXPECTED)?;
    let authority = url.authority().ok_or(EXPECTED)?;
    let has_port = authority.port_u16().is_some() || authority.as_str().ends_with(authority.host());
    let has_host = !authority.host().is_empty();
    let is_http = matches!(url.scheme_str(), Some("http" | "https"));
    if has_port && has_host && is_http { Ok(url) } else { Err(EXPECTED) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_absolute_and_its_port_valid() {
        const REFUSED: Result<&str, &str> =
            Err("expected http:// or https://, a host and, if any, a valid port");
        for (text, expected) in [
            ("http://localhost", Ok("http://localhost/")),
            (
                "HTTPS://example.com:8443/webhooks/stripe?a=b",
                Ok("https://example.com:8443/webhooks/stripe?a=b"),
            ),
            ("http://[::1]:9000/", Ok("http://[::1]:9000/")),
            ("http://[::1]/", Ok("http://[::1]/")),
            ("http://localhost:99999/", REFUSED),
            ("http://:80/", REFUSED),
            ("/webhooks/stripe", REFUSED),
            ("", REFUSED),
        ] {
            assert_eq!(
                http_url(text).map(|url| url.to_string()),
                expected.map(str::to_owned),
                "{text}"
            );
        }
    }

    #[test]
    fn a_header_value_is_visible_ascii() {
        assert_eq!(header_value("a-1"), Ok("a-1".to_owned()));
        for text in ["", "a b", "a\n", "é"] {
            assert_eq!(
                header_value(text),
                Err("expected visible ASCII characters without spaces"),
                "{text:?}"
            );
        }
    }

    #[test]
    fn rfc_3339_and_unix_seconds_are_both_read_as_a_time() {
        for text in ["1795262400", "2026-11-21T12:00:00Z", "2026-11-21T13:00:00.999+01:00"] {
            assert_eq!(time(text), Ok(UnixSeconds(1_795_262_400)), "{text}");
        }
        for text in ["", "now", "2026-11-21", "2026-11-21T12:00:00"] {
            let expected = "expected a time such as 2026-11-21T12:00:00Z, or whole seconds since \
                            1970, in digits";
            assert_eq!(time(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn unix_seconds_are_digits_only() {
        assert_eq!(unix_seconds("860860860"), Ok(UnixSeconds(860_860_860)));
        for text in ["", "+1", "-1", "1.0", "99999999999999999999"] {
            assert_eq!(
                unix_seconds(text),
                Err("expected whole seconds since 1970, in digits"),
                "{text:?}"
            );
        }
    }
}
