//! What every idempotency store and every queue must do, whatever it is built on: one suite that
//! runs over all of them.

use std::time::Duration;

use crate::{
    clock::UnixMillis,
    message::Message,
    ports::{EventQueue, Fenced, IdempotencyStore},
    record::{ClaimResult, ClaimToken, NewClaim},
};

const LEASE: Duration = Duration::from_secs(20);

fn claim_at(id: &str, token: &str, now: UnixMillis) -> NewClaim {
    NewClaim {
        idempotency_key: id.to_owned(),
        token: ClaimToken::named(token),
        now,
        lease_expires_at: now.plus(LEASE),
        expires_at_s: now.plus(Duration::from_hours(1)).seconds().0,
        event_type: "account.added".to_owned(),
        event_id: "e1".to_owned(),
        delivery_id: Some("d1".to_owned()),
    }
}

/// Runs the contract of an [`IdempotencyStore`]. The keys of its records begin with `prefix`, to
/// keep them apart from others.
///
/// # Panics
/// Panics if the store breaks the contract.
#[expect(clippy::too_many_lines, reason = "one story, step by step")]
pub async fn store_contract(store: &impl IdempotencyStore, prefix: &str) {
    let now = UnixMillis(1_700_000_000_000);
    let (d1, account_added) = (|| Some("d1".to_owned()), || Some("account.added".to_owned()));
    let in_progress = ClaimResult::InProgress {
        lease_expires_at: now.plus(LEASE),
        delivery_id: d1(),
        event_type: account_added(),
    };
    let enqueued = ClaimResult::Enqueued { delivery_id: d1(), event_type: account_added() };
    let (fresh, taken_over) =
        (ClaimResult::Claimed { taken_over: false }, ClaimResult::Claimed { taken_over: true });
    let [first, second] = ["first", "second"].map(ClaimToken::named);
    let later = |ms: i64| UnixMillis(now.0 + ms);
    let at_lease_end =
        |ms: i64| now.plus(LEASE).plus(Duration::from_millis(u64::try_from(ms).expect("positive")));

    let id = format!("{prefix}#single");
    let claim = |token, at| claim_at(&id, token, at);
    assert_eq!(
        store.claim(&claim("first", now)).await,
        Ok(fresh.clone()),
        "an absent record is free"
    );
    assert_eq!(
        store.claim(&claim("first", now)).await,
        Ok(fresh.clone()),
        "a lost reply: the claim is ours"
    );
    assert_eq!(
        store.claim(&claim("second", now)).await,
        Ok(in_progress.clone()),
        "another's lease holds"
    );
    assert_eq!(
        store.claim(&claim("second", at_lease_end(0))).await,
        Ok(in_progress),
        "a lease holds to its last millisecond"
    );
    assert_eq!(
        store.claim(&claim("second", at_lease_end(1))).await,
        Ok(taken_over),
        "a lease ends after its last millisecond"
    );
    let expires_at_s = now.seconds().0 + 3600;
    assert_eq!(
        store.complete(&id, &first, "m0", expires_at_s).await,
        Ok(Fenced::NotOwner),
        "the old owner cannot complete"
    );
    assert_eq!(
        store.release(&id, &first).await,
        Ok(Fenced::NotOwner),
        "the old owner cannot release"
    );
    assert_eq!(
        store.complete(&id, &second, "m1", expires_at_s).await,
        Ok(Fenced::Applied),
        "the owner completes"
    );
    assert_eq!(
        store.complete(&id, &second, "m1", expires_at_s).await,
        Ok(Fenced::Applied),
        "the owner may complete again"
    );
    assert_eq!(store.claim(&claim("third", later(1))).await, Ok(enqueued.clone()), "a duplicate");
    assert_eq!(
        store.claim(&claim("third", at_lease_end(60_000))).await,
        Ok(enqueued.clone()),
        "an enqueued record outlasts its lease"
    );
    assert_eq!(
        store.release(&id, &first).await,
        Ok(Fenced::NotOwner),
        "nobody but the owner deletes an enqueued record"
    );
    assert_eq!(
        store.claim(&claim("third", later(3_600_999))).await,
        Ok(enqueued),
        "a record holds to its last second"
    );
    assert_eq!(
        store.claim(&claim("third", later(3_601_000))).await,
        Ok(fresh.clone()),
        "an expired record is free"
    );

    let id = format!("{prefix}#released");
    let claim = |token, at| claim_at(&id, token, at);
    assert_eq!(
        store.release(&id, &first).await,
        Ok(Fenced::NotOwner),
        "an absent record cannot be released"
    );
    assert_eq!(
        store.complete(&id, &first, "m0", expires_at_s).await,
        Ok(Fenced::NotOwner),
        "an absent record cannot be completed"
    );
    assert_eq!(store.claim(&claim("first", now)).await, Ok(fresh.clone()));
    assert_eq!(store.release(&id, &first).await, Ok(Fenced::Applied));
    assert_eq!(
        store.claim(&claim("second", now)).await,
        Ok(fresh.clone()),
        "a released event is free"
    );

    let id = format!("{prefix}#without-delivery-id");
    let claim = |token| NewClaim { delivery_id: None, ..claim_at(&id, token, now) };
    let held = ClaimResult::InProgress {
        lease_expires_at: now.plus(LEASE),
        delivery_id: None,
        event_type: account_added(),
    };
    assert_eq!(store.claim(&claim("first")).await, Ok(fresh));
    assert_eq!(store.claim(&claim("second")).await, Ok(held));
}

/// Runs the contract of a FIFO [`EventQueue`]: messages with the same idempotency key are one
/// message. The caller checks what is on the queue afterwards: two messages, with the bodies
/// `first` and `other`.
///
/// # Panics
/// Panics if the queue breaks the contract.
pub async fn queue_contract(queue: &impl EventQueue, prefix: &str) {
    let message = |body: &str, event_id: &str| Message {
        body: body.to_owned(),
        provider: "p".to_owned(),
        event_type: "t".to_owned(),
        event_id: event_id.to_owned(),
        idempotency_key: format!("{prefix}#{event_id}"),
        signature_scheme: "s".to_owned(),
        group: "group".to_owned(),
        claim_token: ClaimToken::random(),
        trace_header: None,
        is_replay: false,
    };
    let first = queue.send(&message("first", "1")).await.expect("is sent");
    let again = queue.send(&message("again", "1")).await.expect("is sent");
    let other = queue.send(&message("other", "2")).await.expect("is sent");
    assert_eq!(again, first, "the same event is the same message");
    assert_ne!(other, first, "a different event is a different message");
}
