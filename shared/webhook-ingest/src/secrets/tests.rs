//! Tests the forms of a stored value, and when the cache fetches.

use webhook_verify::{UnixSeconds, sign::Signer};

use super::*;
use crate::testing::{BETA, MemorySecrets};

const START: UnixMillis = UnixMillis(1_700_000_000_000);

fn after(seconds: u64) -> UnixMillis {
    START.plus(Duration::from_secs(seconds))
}

fn parsed(text: &str) -> Result<String, SecretError> {
    let secret =
        Parsed::read(&StoredSecret::Text(Zeroizing::new(text.to_owned())), Key::Text)?.secret;
    Ok(signature(&secret))
}

fn signature(secret: &SigningSecret) -> String {
    let signer = Signer::new(&BETA.schemes()[0], secret, UnixSeconds(0));
    let headers = signer.sign(b"text").expect("the scheme signs any text");
    String::from_utf8_lossy(headers[0].value()).into_owned()
}

/// Signs with a plain secret of these bytes.
fn signed_by(key: &str) -> Result<String, SecretError> {
    let secret = SigningSecret::new(key.as_bytes().to_vec()).map_err(|_| SecretError::Empty)?;
    Ok(signature(&secret))
}

#[test]
fn a_secret_is_plain_text_or_json_and_loses_one_trailing_line_break() {
    for (text, key) in [
        ("key", "key"),
        ("key\n", "key"),
        ("key\r\n", "key"),
        ("key\n\n", "key\n"),
        ("key\r", "key\r"),
        (" key ", " key "),
        (r#"{"signing_secret": "key"}"#, "key"),
        ("{\"signing_secret\": \"key\\n\"}\n", "key"),
        (r#"{"other": 1, "signing_secret": "\u006bey"}"#, "key"),
        (" {\"signing_secret\": \"key\"}", "key"),
        ("\"key\"", "\"key\""),
        ("123", "123"),
    ] {
        assert_eq!(parsed(text), signed_by(key), "{text:?}");
    }
}

#[test]
fn an_unusable_value_is_refused_with_its_reason() {
    for (text, expected) in [
        ("", SecretError::Empty),
        ("\n", SecretError::Empty),
        ("\r\n", SecretError::Empty),
        (r#"{"signing_secret": ""}"#, SecretError::Empty),
        (r#"{"signing_secret": "\n"}"#, SecretError::Empty),
        ("{}", SecretError::NoMember),
        (r#"{"signing_secret": 7}"#, SecretError::NoMember),
        (r#"{"signing_secret": null}"#, SecretError::NoMember),
        (r#"{"Signing_Secret": "key"}"#, SecretError::NoMember),
        ("{not json", SecretError::NotJson),
        ("{signing_secret:k}", SecretError::NotJson),
        ("{\"signing_secret\": \"key\"", SecretError::NotJson),
        ("\u{feff}key", SecretError::ByteOrderMark),
        ("\u{feff}{\"signing_secret\": \"key\"}", SecretError::ByteOrderMark),
    ] {
        assert_eq!(parsed(text), Err(expected), "{text:?}");
    }
    assert_eq!(
        Parsed::read(&StoredSecret::NotText, Key::Text).map(|_| ()),
        Err(SecretError::NotText)
    );
}

/// Gets the secret from the cache. Returns whether it was fetched, or why there is no secret.
async fn look(
    cache: &SecretCache<MemorySecrets>,
    seconds: u64,
) -> Result<SecretFetch, SecretError> {
    cache.get(after(seconds)).await.map(|(_, fetch)| fetch)
}

fn down() -> SecretError {
    SecretError::Call(CallError::NoResponse("the store is down"))
}

#[tokio::test]
async fn a_secret_is_fetched_again_once_its_time_is_over() {
    let store = MemorySecrets::new("key");
    let cache = SecretCache::new(
        store.clone(),
        Key::Text,
        Duration::from_mins(5),
        DevelopmentSecret::Refused,
    );
    assert_eq!(look(&cache, 0).await, Ok(SecretFetch::Routine));
    assert_eq!(look(&cache, 299).await, Ok(SecretFetch::NotDue));
    assert_eq!(look(&cache, 300).await, Ok(SecretFetch::Routine));
    assert_eq!(store.fetches(), 2);
}

#[tokio::test]
async fn while_the_store_is_down_the_cached_secret_is_used_for_an_hour() {
    let store = MemorySecrets::new("key");
    let cache = SecretCache::new(
        store.clone(),
        Key::Text,
        Duration::from_mins(5),
        DevelopmentSecret::Refused,
    );
    assert_eq!(look(&cache, 0).await, Ok(SecretFetch::Routine));
    store.set(None, None);
    for (seconds, expected, fetches) in [
        (300, Ok(SecretFetch::Failed(down())), 2),
        (309, Ok(SecretFetch::NotDue), 2),
        (310, Ok(SecretFetch::Failed(down())), 3),
        (3_600, Ok(SecretFetch::Failed(down())), 4),
        (3_601, Err(down()), 5),
        (3_602, Err(down()), 6),
    ] {
        assert_eq!(look(&cache, seconds).await, expected, "after {seconds} s");
        assert_eq!(store.fetches(), fetches, "after {seconds} s");
    }
    store.set(Some("key"), None);
    assert_eq!(look(&cache, 3_603).await, Ok(SecretFetch::Routine), "the store is up again");
}

#[tokio::test]
async fn a_refusal_ends_the_cached_secret_at_once() {
    for (current, expected) in [
        (Err(CallError::Refused("AccessDeniedException".to_owned())), "Refused"),
        (Ok(""), "unusable"),
        (Ok("{not json"), "unusable"),
    ] {
        let store = MemorySecrets::new("key");
        let cache = SecretCache::new(
            store.clone(),
            Key::Text,
            Duration::from_mins(5),
            DevelopmentSecret::Refused,
        );
        assert_eq!(look(&cache, 0).await, Ok(SecretFetch::Routine));
        store.set_current(current);
        assert!(look(&cache, 300).await.is_err(), "{expected}");
        store.set(None, None);
        assert_eq!(look(&cache, 301).await, Err(down()), "{expected}: nothing is left to use");
    }
}

#[tokio::test]
async fn a_refused_refetch_ends_the_cached_secret_too() {
    let store = MemorySecrets::new("key");
    let cache = SecretCache::new(
        store.clone(),
        Key::Text,
        Duration::from_mins(5),
        DevelopmentSecret::Refused,
    );
    assert_eq!(look(&cache, 0).await, Ok(SecretFetch::Routine));
    let refused = CallError::Refused("AccessDeniedException".to_owned());
    store.set_current(Err(refused.clone()));
    assert_eq!(cache.refetch(after(1)).await.err(), Some(SecretError::Call(refused.clone())));
    assert_eq!(look(&cache, 2).await, Err(SecretError::Call(refused)));
}

#[tokio::test]
async fn the_development_secret_is_used_only_if_it_is_accepted() {
    for (development, expected) in [
        (DevelopmentSecret::Refused, Err(SecretError::Development)),
        (DevelopmentSecret::Accepted, Ok(SecretFetch::Routine)),
    ] {
        for stored in [DEVELOPMENT_SECRET.to_owned(), format!("{DEVELOPMENT_SECRET}\n")] {
            let cache = SecretCache::new(
                MemorySecrets::new(&stored),
                Key::Text,
                Duration::from_mins(5),
                development,
            );
            assert_eq!(look(&cache, 0).await, expected, "{stored:?}");
        }
    }
}

#[tokio::test]
async fn each_fetch_returns_what_looks_wrong_with_the_secret() {
    use SecretWarning::{Quotes, Short, WhiteSpace};
    for (stored, expected) in [
        ("0123456789abcdef", vec![]),
        ("0123456789abcdef\n", vec![]),
        ("0123456789abcde", vec![Short]),
        ("0123456789abcdef ", vec![WhiteSpace]),
        ("\"0123456789abcdef\"", vec![Quotes]),
        (" 'key'", vec![WhiteSpace, Quotes, Short]),
    ] {
        let cache = SecretCache::new(
            MemorySecrets::new(stored),
            Key::Text,
            Duration::from_mins(5),
            DevelopmentSecret::Refused,
        );
        assert_eq!(cache.warm(START).await, expected, "{stored:?}");
        let (fetched, _) = cache.get(after(300)).await.expect("is fetched again");
        assert_eq!(fetched.warnings, expected, "{stored:?}");
    }
}

#[test]
fn each_warning_says_what_looks_wrong() {
    let texts = [SecretWarning::WhiteSpace, SecretWarning::Quotes, SecretWarning::Short]
        .map(|warning| warning.to_string());
    assert_eq!(
        texts,
        [
            "the signing secret has white space before or after it",
            "the signing secret has quotes around it",
            "the signing secret has fewer than 16 bytes",
        ]
    );
}

#[tokio::test]
async fn without_a_cached_secret_each_delivery_asks_the_store() {
    let store = MemorySecrets::default();
    let cache = SecretCache::new(
        store.clone(),
        Key::Text,
        Duration::from_mins(5),
        DevelopmentSecret::Refused,
    );
    cache.warm(START).await;
    assert_eq!(look(&cache, 0).await, Err(down()));
    assert_eq!(look(&cache, 1).await, Err(down()));
    assert_eq!(store.fetches(), 3);
}

#[tokio::test]
async fn a_refetch_happens_at_once_and_then_at_most_every_10_s() {
    let store = MemorySecrets::new("key");
    let cache = SecretCache::new(
        store.clone(),
        Key::Text,
        Duration::from_mins(5),
        DevelopmentSecret::Refused,
    );
    assert_eq!(look(&cache, 0).await, Ok(SecretFetch::Routine));
    for (seconds, refetched) in [(0, true), (9, false), (10, true), (19, false), (20, true)] {
        let newer = cache.refetch(after(seconds)).await.map(|newer| newer.is_some());
        assert_eq!(newer, Ok(refetched), "after {seconds} s");
    }
    assert_eq!(store.fetches(), 4);
}

#[tokio::test]
async fn a_failed_refetch_is_an_error_until_the_next_one_is_due() {
    let store = MemorySecrets::new("key");
    let cache = SecretCache::new(
        store.clone(),
        Key::Text,
        Duration::from_mins(5),
        DevelopmentSecret::Refused,
    );
    assert_eq!(look(&cache, 0).await, Ok(SecretFetch::Routine));
    store.set(None, None);
    let refetch = |seconds| {
        let cache = &cache;
        async move { cache.refetch(after(seconds)).await.map(|newer| newer.is_some()) }
    };
    assert_eq!(refetch(1).await, Err(down()));
    assert_eq!(refetch(2).await, Err(SecretError::FailedLately));
    store.set(Some("key"), None);
    assert_eq!(refetch(10).await, Err(SecretError::FailedLately));
    assert_eq!(refetch(11).await, Ok(true));
    assert_eq!(store.fetches(), 3);
}

#[tokio::test]
async fn a_warm_up_after_a_failed_fetch_lets_the_next_mismatch_refetch() {
    let store = MemorySecrets::default();
    let cache = SecretCache::new(
        store.clone(),
        Key::Text,
        Duration::from_mins(5),
        DevelopmentSecret::Refused,
    );
    assert_eq!(look(&cache, 0).await, Err(down()), "a delivery comes before the warm-up ends");
    store.set(Some("key"), None);
    cache.warm(START).await;
    assert_eq!(look(&cache, 1).await, Ok(SecretFetch::NotDue));
    assert_eq!(cache.refetch(after(1)).await.map(|newer| newer.is_some()), Ok(true));
}

#[tokio::test]
async fn a_warm_up_that_ends_late_keeps_what_a_delivery_has_fetched() {
    let store = MemorySecrets::new("key");
    store.set(Some("key"), Some(Err(CallError::NoResponse("unreadable"))));
    let cache =
        SecretCache::new(store, Key::Text, Duration::from_mins(5), DevelopmentSecret::Refused);
    assert_eq!(asked_for_previous(&cache, 0).await, Ok((true, SecretFetch::Routine)));
    cache.warm(START).await;
    assert_eq!(asked_for_previous(&cache, 1).await, Ok((true, SecretFetch::NotDue)));
}

/// Returns a warmed-up cache over a store whose previous version is unreadable. Its
/// `previous_error` shows whether the cache has asked for that version.
async fn warmed_up() -> SecretCache<MemorySecrets> {
    let store = MemorySecrets::new("key");
    store.set(Some("key"), Some(Err(CallError::NoResponse("unreadable"))));
    let cache =
        SecretCache::new(store, Key::Text, Duration::from_mins(5), DevelopmentSecret::Refused);
    cache.warm(START).await;
    cache
}

async fn asked_for_previous(
    cache: &SecretCache<MemorySecrets>,
    seconds: u64,
) -> Result<(bool, SecretFetch), SecretError> {
    let (fetched, fetch) = cache.get(after(seconds)).await?;
    Ok((fetched.previous_error.is_some(), fetch))
}

#[tokio::test]
async fn the_warm_up_leaves_the_previous_version_to_the_first_mismatch() {
    let cache = warmed_up().await;
    assert_eq!(asked_for_previous(&cache, 0).await, Ok((false, SecretFetch::NotDue)));
    for (seconds, refetched) in [(1, true), (2, false), (10, false), (11, true)] {
        let newer = cache.refetch(after(seconds)).await.map(|newer| newer.is_some());
        assert_eq!(newer, Ok(refetched), "after {seconds} s");
        assert_eq!(
            asked_for_previous(&cache, seconds).await,
            Ok((true, SecretFetch::NotDue)),
            "after {seconds} s"
        );
    }
}

#[tokio::test]
async fn after_the_warm_up_the_next_fetch_asks_for_both_versions() {
    let cache = warmed_up().await;
    assert_eq!(asked_for_previous(&cache, 299).await, Ok((false, SecretFetch::NotDue)));
    assert_eq!(asked_for_previous(&cache, 300).await, Ok((true, SecretFetch::Routine)));
}

#[tokio::test]
async fn a_secret_that_is_not_spelled_as_its_providers_is_refused() {
    let key = Key::Base64AfterPrefix("whsec_");
    let written = key.write("a secret of 22 letters");
    for (stored, expected) in [
        (written.as_str(), Ok(())),
        (
            written.trim_start_matches("whsec_"),
            Err(SecretError::Spelling(KeyError::NoPrefix("whsec_"))),
        ),
        ("whsec_not base64", Err(SecretError::Spelling(KeyError::NotBase64("whsec_")))),
        ("whsec_", Err(SecretError::Empty)),
        (&key.write(DEVELOPMENT_SECRET), Err(SecretError::Development)),
        (key.write(DEVELOPMENT_SECRET).trim_end_matches('='), Err(SecretError::Development)),
    ] {
        let cache = SecretCache::new(
            MemorySecrets::new(stored),
            key,
            Duration::from_mins(5),
            DevelopmentSecret::Refused,
        );
        assert_eq!(cache.get(START).await.map(|_| ()), expected, "{stored}");
    }
}

#[tokio::test]
async fn a_previous_version_in_another_spelling_is_ignored() {
    let key = Key::Base64AfterPrefix("whsec_");
    let store = MemorySecrets::default();
    store.set(
        Some(&key.write("a secret of 22 letters")),
        Some(Ok("the random value of a created secret")),
    );
    let cache = SecretCache::new(store, key, Duration::from_mins(5), DevelopmentSecret::Refused);
    let (fetched, _) = cache.get(START).await.expect("the current version is right");
    assert_eq!(fetched.previous_error, None);
    assert!(format!("{:?}", fetched.secrets).ends_with("previous: None }"));
}
