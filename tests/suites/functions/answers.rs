//! Statuses and bodies, and what is written for each.

use std::time::Duration;

use serde_json::{Value, json};
use webhook_cli::development_secret;
use webhook_tests::{
    now, samples,
    traffic::{Event, KEY, Kind},
};
use webhook_verify::{
    Header, MAX_BODY_BYTES, Retention, UnixSeconds,
    description::{EventType, Form, Unsigned},
    providers::PROVIDERS,
};

use crate::world::{
    Setup, World, accepted, duplicate, kind_of, kinds_by_body, malformed, number, refused, signed,
    signs_whole_body, text, unavailable, with_unsigned,
};

const RETENTION_S: i64 = 2_592_000;

#[tokio::test]
async fn an_event_is_accepted_once_and_a_duplicate_afterwards() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}");
        assert_eq!(world.deliver(&event).await, duplicate(&event), "{kind:?}");
        assert_eq!(world.messages().await.len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_record_holds_what_the_contract_says_and_no_payload() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        let before = now().0;
        let (headers, body) = with_unsigned(&event, 7);
        assert_eq!(world.send(&headers, &body).await, accepted(&event), "{kind:?}");
        let after = now().0;
        let record = world.record().await;
        let mut expected = vec![
            "claim_token",
            "event_id",
            "event_type",
            "expires_at_s",
            "id",
            "lease_expires_at_ms",
            "message_id",
            "received_at",
            "status",
        ];
        if !kind.scheme.facts.delivery_id.is_empty() {
            expected.insert(1, "delivery_id");
            assert_eq!(text(&record, "delivery_id"), Some("unsigned-7"), "{kind:?}");
        }
        let mut names: Vec<_> = record.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{kind:?}");
        assert_eq!(
            (text(&record, "id"), text(&record, "status")),
            (Some(event.key.as_str()), Some("ENQUEUED"))
        );
        assert_eq!(text(&record, "event_id"), Some(event.id.as_str()));
        let message = world.message().await;
        assert_eq!(text(&record, "message_id"), message.message_id.as_deref());
        // If a function of the description decides on the retention, the samples test it.
        if !matches!(kind.scheme.facts.event_type, EventType::Derived(_)) {
            let expires_at_s = number(&record, "expires_at_s");
            assert!(
                (before + RETENTION_S..=after + RETENTION_S).contains(&expires_at_s),
                "{kind:?}: {expires_at_s}"
            );
        }
        let lease_s = number(&record, "lease_expires_at_ms") / 1000;
        assert!((before + 20..=after + 20).contains(&lease_s), "{kind:?}: {lease_s}");
    }
}

#[tokio::test]
async fn the_answer_to_an_event_in_flight_is_409_with_the_rest_of_its_lease() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        world.put_in_progress(&event.key, (now().0 + 120) * 1000).await;
        let (status, retry_after, body) = world.deliver(&event).await;
        assert_eq!((status, body), (409, json!({"status": "in_progress"})), "{kind:?}");
        let seconds: i64 = retry_after.expect("a Retry-After").parse().expect("seconds");
        assert!((115..=120).contains(&seconds), "{kind:?}: {seconds}");
        assert_eq!(world.messages().await, []);
    }
}

#[tokio::test]
async fn a_lease_that_has_run_out_is_taken_over() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        world.put_in_progress(&event.key, now().0 * 1000 - 1).await;
        assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}");
        assert_ne!(text(&world.record().await, "claim_token"), Some("another"));
        assert_eq!(world.messages().await.len(), 1);
        assert_eq!(world.function.delivery_lines(1).await[0]["webhook.taken_over"], true);
    }
}

#[tokio::test]
async fn a_signed_time_outside_the_tolerance_is_refused_on_both_sides() {
    for kind in Kind::all() {
        let Some(time) = kind.scheme.time else { continue };
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        let past = i64::try_from(time.tolerance.as_secs()).expect("is small");
        // A slow machine may take a minute between signature and answer.
        for (offset_s, expected) in [
            (-past - 1, refused()),
            (400, refused()),
            (60 - past, accepted(&event)),
            (299, duplicate(&event)),
        ] {
            let headers = event.signed(KEY, UnixSeconds(now().0 + offset_s));
            assert_eq!(world.send(&headers, &event.body).await, expected, "{kind:?}: {offset_s} s");
        }
        let lines = world.function.delivery_lines(4).await;
        let reasons: Vec<&Value> = lines.iter().map(|line| &line["webhook.reason"]).collect();
        assert_eq!(
            json!(reasons),
            json!(["timestamp_too_old", "timestamp_in_future", null, null]),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn an_authentic_body_that_is_not_an_object_is_400_and_writes_nothing() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(128), "]".repeat(128));
    for kind in Kind::all().into_iter().filter(signs_whole_body) {
        let world = World::of(kind.provider).await;
        let mut event = Event::new(kind, 1);
        for body in ["", "[]", "{", "NaN", "{\"a\":1}x", &deep] {
            body.clone_into(&mut event.body);
            assert_eq!(world.deliver(&event).await, malformed(), "{kind:?}: {body:.20}");
        }
        world.assert_nothing_written().await;
        let deepest = &deep.replacen('[', "", 1).replacen(']', "", 1);
        deepest.clone_into(&mut event.body);
        assert_eq!(world.deliver(&event).await.0, 200, "{kind:?}: 128 levels are allowed");
    }
}

#[tokio::test]
async fn a_long_unsigned_member_is_400_and_writes_nothing() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        for name in kind.scheme.facts.unsigned_members {
            let with = |bytes| event.body.replace(&format!("example.{name}"), &"x".repeat(bytes));
            assert_eq!(
                world.send(&signed(&event), &with(1025)).await,
                malformed(),
                "{kind:?}: {name}"
            );
            world.assert_nothing_written().await;
        }
        for name in kind.scheme.facts.unsigned_members {
            let longest = event.body.replace(&format!("example.{name}"), &"x".repeat(1024));
            assert_eq!(world.send(&signed(&event), &longest).await.0, 200, "{kind:?}: {name}");
        }
    }
}

#[tokio::test]
async fn a_body_over_6_mib_is_413_before_its_signature_is_checked() {
    for provider in PROVIDERS {
        let world = World::of(provider).await;
        let body = format!("{{\"a\":\"{}\"}}", "x".repeat(6_291_456 - 8));
        assert_eq!(body.len(), 6_291_456);
        assert_eq!(world.send(&[], &body).await, refused(), "{provider:?}");
        let too_large = (413, None, json!({"error": "too_large"}));
        assert_eq!(world.send(&[], &format!("{body} ")).await, too_large, "{provider:?}");
        world.assert_nothing_written().await;
    }
}

#[tokio::test]
async fn a_body_of_6_mib_is_queued_through_the_bucket() {
    for kind in kinds_by_body() {
        let world = World::of(kind.provider).await;
        let filled = |bytes| Event::with(kind, 1, &format!("\"a\": \"{}\"", "x".repeat(bytes)));
        let event = filled(6_291_456 - filled(0).body.len());
        assert_eq!(event.body.len(), MAX_BODY_BYTES);
        assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}");
        let message = world.message().await.body.expect("a body");
        let pointer: Value = serde_json::from_str(&message).expect("JSON");
        assert_eq!(pointer[0], "software.amazon.payloadoffloading.PayloadS3Pointer");
        assert_eq!(pointer[1]["s3BucketName"], world.bucket);
        let record = world.record().await;
        let expected =
            format!("{}/{}", kind.provider.name(), text(&record, "claim_token").expect("a token"));
        assert_eq!(pointer[1]["s3Key"], expected);
        let object = world.aws.s3.get_object().bucket(&world.bucket).key(&expected).send().await;
        let stored = object
            .expect("the object is there")
            .body
            .collect()
            .await
            .expect("is read")
            .into_bytes();
        assert!(
            stored.ends_with(event.tail().as_bytes()),
            "{kind:?}: the object is the envelope around the body"
        );
    }
}

#[tokio::test]
async fn a_failing_queue_is_503_and_the_next_attempt_queues() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        let queue = world.queue.clone();
        world.aws.sqs.delete_queue().queue_url(&queue).send().await.expect("the queue is deleted");
        assert_eq!(world.deliver(&event).await, unavailable(), "{kind:?}");
        assert_eq!(world.records().await, []);
        let name = queue.rsplit('/').next().expect("a URL ends in a name");
        let create = world.aws.sqs.create_queue().queue_name(name);
        let create = create.attributes(aws_sdk_sqs::types::QueueAttributeName::FifoQueue, "true");
        create.send().await.expect("the queue is made again");
        assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}");
        assert_eq!(world.messages().await.len(), 1);
    }
}

#[tokio::test]
async fn a_failing_table_is_503_and_nothing_is_queued() {
    for kind in Kind::all() {
        let world = Setup::new(kind.provider, true)
            .await
            .with("IDEMPOTENCY_TABLE", "no-such-table")
            .start()
            .await;
        assert_eq!(world.deliver(&Event::new(kind, 1)).await, unavailable(), "{kind:?}");
        assert_eq!(world.messages().await, []);
        let line = &world.function.delivery_lines(1).await[0];
        assert_eq!(
            (&line["webhook.outcome"], &line["webhook.reason"]),
            (&json!("unavailable"), &json!("claim"))
        );
        let detail = line["webhook.detail"].as_str();
        assert!(
            detail.is_some_and(|detail| detail.contains("ResourceNotFoundException")),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_large_body_without_a_bucket_is_503_with_the_reason_in_the_log() {
    for kind in kinds_by_body() {
        let world = Setup::new(kind.provider, true).await.with("PAYLOAD_BUCKET", "").start().await;
        assert_eq!(world.deliver(&Event::new(kind.large(), 1)).await, unavailable(), "{kind:?}");
        world.assert_nothing_written().await;
        let detail = world.function.delivery_lines(1).await[0]["webhook.detail"].clone();
        assert_eq!(
            detail,
            "send: the message is over the queue's limit and PAYLOAD_BUCKET is not set"
        );
    }
}

#[tokio::test]
async fn near_the_deadline_the_answer_is_503_and_nothing_is_written() {
    for provider in PROVIDERS {
        let world = World::of(provider).await;
        let event = Event::new(kind_of(provider), 1);
        let event = world.event(&signed(&event), &event.body);
        assert_eq!(
            world.invoke_within(&event, Duration::from_millis(400)).await,
            unavailable(),
            "{provider:?}"
        );
        world.assert_nothing_written().await;
    }
}

#[tokio::test]
async fn a_change_of_unsigned_fields_is_a_duplicate_with_a_warning() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        for (number, expected) in [(1, accepted(&event)), (2, duplicate(&event))] {
            let (headers, body) = with_unsigned(&event, number);
            assert_eq!(world.send(&headers, &body).await, expected, "{kind:?}");
        }
        let facts = &kind.scheme.facts;
        let has_delivery_id = !facts.delivery_id.is_empty();
        let has_unsigned_type = matches!(facts.event_type, EventType::Unsigned(_));
        let record = world.record().await;
        assert_eq!(
            text(&record, "delivery_id"),
            has_delivery_id.then_some("unsigned-1"),
            "{kind:?}"
        );
        if has_unsigned_type {
            assert_eq!(text(&record, "event_type"), Some("unsigned-1"), "{kind:?}");
        }
        let lines = world.function.delivery_lines(2).await;
        let fields = |name: &str| json!(lines.iter().map(|line| &line[name]).collect::<Vec<_>>());
        let level = if has_delivery_id || has_unsigned_type { "WARN" } else { "INFO" };
        assert_eq!(fields("level"), json!(["INFO", level]), "{kind:?}");
        assert_eq!(
            fields("webhook.delivery_id_changed"),
            json!([false, has_delivery_id]),
            "{kind:?}"
        );
        assert_eq!(
            fields("webhook.event_type_changed"),
            json!([false, has_unsigned_type]),
            "{kind:?}"
        );
        assert_eq!(world.messages().await.len(), 1);
    }
}

#[tokio::test]
async fn an_unsigned_header_is_preferred_as_the_delivery_id() {
    for kind in Kind::all() {
        let [Unsigned::Header(header), Unsigned::Member(member)] = kind.scheme.facts.delivery_id
        else {
            continue;
        };
        let event = Event::new(kind, 1);
        let mut with_header = signed(&event);
        with_header.push(Header::new(*header, "d1"));
        for (headers, expected) in
            [(signed(&event), format!("example.{member}")), (with_header, "d1".to_owned())]
        {
            let world = World::of(kind.provider).await;
            assert_eq!(world.send(&headers, &event.body).await, accepted(&event), "{kind:?}");
            assert_eq!(
                text(&world.record().await, "delivery_id"),
                Some(expected.as_str()),
                "{kind:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_event_signed_again_at_another_time_is_the_same_event() {
    for provider in PROVIDERS {
        let world = World::of(provider).await;
        for scheme in provider.schemes() {
            let event = Event::new(Kind { provider, scheme, is_large: false }, 1);
            for (offset_s, expected) in [(-10, accepted(&event)), (0, duplicate(&event))] {
                let headers = event.signed(KEY, UnixSeconds(now().0 + offset_s));
                assert_eq!(world.send(&headers, &event.body).await, expected, "{scheme:?}");
            }
        }
        assert_eq!(world.records().await.len(), provider.schemes().len());
        assert_eq!(world.messages().await.len(), provider.schemes().len());
    }
}

/// A function of the description may decide on the retention. Its exact times are in the provider's
/// own tests.
#[tokio::test]
async fn each_sample_is_remembered_as_long_as_its_type_requires() {
    for provider in PROVIDERS {
        for sample in samples::of(provider) {
            let samples::Answer::Accepted { event_type, .. } = &sample.answer else { continue };
            let setup =
                Setup::new(provider, true).await.with_secret(&development_secret(provider)).await;
            let world = setup.start().await;
            let (headers, body) = sample.delivery_at(now());
            let retention_s = match sample.sender.scheme.facts.event_type {
                EventType::Derived(derive) => {
                    let kind = derive(&body).expect("an object");
                    assert_eq!(kind.name, event_type, "{}", sample.file);
                    match kind.retention {
                        Retention::Fixed(retention) => {
                            i64::try_from(retention.as_secs()).expect("fits")
                        }
                        Retention::Configured => RETENTION_S,
                    }
                }
                EventType::Signed(_) | EventType::Unsigned(_) => RETENTION_S,
            };
            let before = now().0;
            assert_eq!(
                world.send(&headers, str::from_utf8(&body).expect("text")).await.0,
                200,
                "{}",
                sample.file
            );
            let left = number(&world.record().await, "expires_at_s") - before;
            assert!((retention_s..=retention_s + 10).contains(&left), "{}: {left}", sample.file);
        }
    }
}

/// Each signature is made by one scheme, and has the prefix of another.
#[tokio::test]
async fn a_signature_of_one_scheme_does_not_verify_as_another() {
    for kind in Kind::all() {
        let Form::Prefixed(own) = kind.scheme.signature.form else { continue };
        let world = World::of(kind.provider).await;
        let event = Event::new(kind, 1);
        for other in kind.provider.schemes().iter().filter(|other| **other != *kind.scheme) {
            let Form::Prefixed(prefix) = other.signature.form else { continue };
            let rename = |header: Header| {
                let value = String::from_utf8_lossy(header.value()).into_owned();
                let is_signature = header.name() == kind.scheme.signature.header[0];
                let renamed = value
                    .strip_prefix(own)
                    .filter(|_| is_signature)
                    .map(|tag| format!("{prefix}{tag}"));
                Header::new(header.name(), renamed.unwrap_or(value))
            };
            let headers: Vec<_> = signed(&event).into_iter().map(rename).collect();
            assert_eq!(world.send(&headers, &event.body).await, refused(), "{kind:?} as {other:?}");
        }
        world.assert_nothing_written().await;
    }
}
