//! What all tests of the pipeline share; and deliveries during which nothing fails.

use webhook_verify::{SecretVersion, SigningSecret, UnixSeconds, sha256_hex, sign::Signer};

use super::*;
use crate::{
    record::Status,
    secrets::DevelopmentSecret,
    testing::{ACME, BETA, Failure, ManualClock, MemoryQueue, MemorySecrets, MemoryStore},
};

mod crashes;
mod failures;
mod secrets;
mod senders;
mod time;

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const BODY: &[u8] = br#"{"event_id":"e1","event":"account.added","payload":{"account_id":"a1"}}"#;

type Harness = Pipeline<MemoryStore, MemoryQueue, MemorySecrets, ManualClock>;

fn harness(provider: &'static Provider, secrets: MemorySecrets) -> Harness {
    let clock = ManualClock::at(START);
    Pipeline {
        provider,
        store: MemoryStore::default(),
        queue: MemoryQueue::new(clock.clone()),
        secrets: SecretCache::new(
            secrets,
            provider.key(),
            Duration::from_mins(5),
            DevelopmentSecret::Refused,
        ),
        clock,
        settings: Settings::default_of(provider),
    }
}

fn acme() -> Harness {
    harness(ACME, MemorySecrets::new("key"))
}

fn secret(key: &str) -> SigningSecret {
    SigningSecret::new(key.as_bytes().to_vec()).expect("not empty")
}

fn signed_with(key: &str, body: &[u8]) -> Vec<Header> {
    signed_at(START.0 / 1000, key, body)
}

fn signed_at(at: i64, key: &str, body: &[u8]) -> Vec<Header> {
    sign("acme-v2", key, UnixSeconds(at), body)
}

fn sign(scheme: &str, key: &str, at: UnixSeconds, body: &[u8]) -> Vec<Header> {
    let scheme =
        [ACME, BETA].iter().find_map(|provider| provider.scheme(scheme)).expect("is there");
    Signer::new(scheme, &secret(key), at).sign(body).expect("can be signed")
}

/// An invocation that Lambda ends 15 s from now.
fn attempt(clock: &ManualClock, token: &str) -> Attempt {
    let deadline = clock.now().plus(Duration::from_secs(15));
    Attempt { token: ClaimToken::named(token), deadline, trace_header: None }
}

impl Harness {
    async fn deliver(&self, headers: &[Header], body: &[u8], token: &str) -> Report {
        self.handle(headers, body, attempt(&self.clock, token)).await
    }

    async fn deliver_body(&self, token: &str) -> Outcome {
        self.deliver(&signed_with("key", BODY), BODY, token).await.outcome
    }

    fn status(&self, id: &str) -> Option<Status> {
        self.store.record(id).map(|record| record.status)
    }

    fn queued(&self) -> usize {
        self.queue.messages().len()
    }
}

fn accepted() -> Outcome {
    Outcome::Accepted { id: "e1".to_owned() }
}

fn duplicate() -> Outcome {
    Outcome::Duplicate { id: "e1".to_owned() }
}

fn unavailable(call: Call) -> Outcome {
    let error = CallError::Failed("InternalServerError".to_owned());
    Outcome::Unavailable(Fault::Call { call, error })
}

fn out_of_time(call: Call) -> Outcome {
    Outcome::Unavailable(Fault::Call { call, error: OUT_OF_TIME })
}

#[tokio::test]
async fn an_authentic_event_is_claimed_queued_and_completed() {
    let pipeline = acme();
    let report = pipeline.deliver(&signed_with("key", BODY), BODY, "t1").await;
    assert_eq!(report.outcome, accepted());
    let trail = report.trail;
    assert_eq!((trail.scheme, trail.secret), (Some("acme-v2"), Some(SecretVersion::Current)));
    assert_eq!(
        (trail.event_type.as_deref(), trail.event_id.as_deref()),
        (Some("account.added"), Some("e1"))
    );
    assert_eq!(
        (trail.idempotency_key.as_deref(), trail.message_id.as_deref()),
        (Some("acme#e1"), Some("message-1"))
    );
    assert_eq!((trail.taken_over, trail.delivery_id_changed, trail.warning), (false, false, None));

    let record = pipeline.store.record("acme#e1").expect("is there");
    assert_eq!(
        (record.status, record.message_id.as_deref()),
        (Status::Enqueued, Some("message-1"))
    );
    assert_eq!(record.claim.lease_expires_at, START.plus(Duration::from_secs(20)));
    assert_eq!(record.expires_at_s, START.0 / 1000 + 2_592_000);

    let message = &pipeline.queue.messages()[0].message;
    let body = r#"{"specversion":"1.0","id":"e1","source":"/webhooks/acme","type":"acme.account.added","time":"2023-11-14T22:13:20Z","datacontenttype":"application/json","idempotencykey":"acme#e1","signaturescheme":"acme-v2","signedat":"2023-11-14T22:13:20Z","data":{"event_id":"e1","event":"account.added","payload":{"account_id":"a1"}}}"#;
    assert_eq!(message.body, body);
    assert_eq!((message.provider.as_str(), message.group.as_str()), ("acme", "a1"));
    assert_eq!((message.event_type.as_str(), message.event_id.as_str()), ("account.added", "e1"));
    assert_eq!((message.idempotency_key.as_str(), message.claim_token.as_str()), ("acme#e1", "t1"));
    assert_eq!((message.signature_scheme.as_str(), message.is_replay), ("acme-v2", false));
}

#[tokio::test]
async fn the_same_event_again_is_a_duplicate_and_costs_no_send() {
    let pipeline = acme();
    assert_eq!(pipeline.deliver_body("t1").await, accepted());
    assert_eq!(pipeline.deliver_body("t2").await, duplicate());
    assert_eq!(pipeline.queued(), 1);
}

#[tokio::test]
async fn an_unverified_delivery_is_refused_and_writes_nothing() {
    let secrets = MemorySecrets::new("key");
    let pipeline = harness(ACME, secrets.clone());
    let forged = signed_with("another key", BODY);
    for (headers, reason, fetches) in [
        (vec![], "header_missing", 0),
        (
            vec![Header::new("X-Acme-Signature", "v2=no"), Header::new("X-Acme-Timestamp", "1")],
            "header_malformed",
            0,
        ),
        (vec![forged[0].clone(), forged[0].clone(), forged[1].clone()], "header_repeated", 0),
        (forged.clone(), "signature_mismatch", 1),
        (signed_with("key", b"{}"), "signature_mismatch", 2),
        (signed_with("key", b"[]"), "signature_mismatch", 2),
        (signed_at(1, "key", BODY), "timestamp_too_old", 2),
    ] {
        let outcome = pipeline.deliver(&headers, BODY, "t").await.outcome;
        let Outcome::Refused(error) = outcome else { panic!("{outcome:?} for {reason}") };
        assert_eq!((error.reason(), secrets.fetches()), (reason, fetches));
    }
    assert!(pipeline.store.is_empty());
    assert_eq!(pipeline.queued(), 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_writes_nothing() {
    let pipeline = acme();
    let large = vec![b' '; webhook_verify::MAX_BODY_BYTES + 1];
    assert_eq!(pipeline.deliver(&[], &large, "t").await.outcome, Outcome::TooLarge);
    assert!(pipeline.store.is_empty());
    assert_eq!(pipeline.queued(), 0);
}

#[tokio::test]
async fn an_authentic_body_that_is_not_an_object_writes_nothing() {
    let pipeline = acme();
    let report = pipeline.deliver(&signed_with("key", b"[]"), b"[]", "t").await;
    assert_eq!(report.outcome.name(), "malformed");
    assert!(pipeline.store.is_empty());
    assert_eq!(pipeline.queued(), 0);
}
