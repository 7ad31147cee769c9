//! Rotation, forms of the stored value, and values that cannot be used.

use aws_sdk_secretsmanager::primitives::Blob;
use serde_json::json;
use webhook_tests::{
    now,
    traffic::{Event, KEY, Kind},
};
use webhook_verify::Key;

use crate::world::{ANOTHER, Setup, World, refused, unavailable};

/// Delivers the event of this number, signed with this key. Returns the status.
async fn deliver(world: &World, kind: Kind, key: &str, number: usize) -> i64 {
    let event = Event::new(kind, number);
    world.send(&event.signed(key, now()), &event.body).await.0
}

#[tokio::test]
async fn a_rotation_refuses_no_delivery() {
    for kind in Kind::all() {
        let provider = kind.provider;
        let world = World::of(provider).await;
        assert_eq!(deliver(&world, kind, KEY, 1).await, 200);
        world.aws.rotate_secret(&world.secret, &provider.key().write("rotated")).await;
        assert_eq!(
            deliver(&world, kind, KEY, 2).await,
            200,
            "{kind:?}: the old secret, still cached"
        );
        assert_eq!(
            deliver(&world, kind, "rotated", 3).await,
            200,
            "{kind:?}: the new one is fetched at once"
        );
        let previous = deliver(&world, kind, KEY, 4).await;
        assert_eq!(previous, 200, "{kind:?}: the old one is the previous version now");
        assert_eq!(deliver(&world, kind, ANOTHER, 5).await, 401, "{kind:?}");
        let lines = world.function.delivery_lines(5).await;
        let versions: Vec<_> =
            lines.iter().map(|line| line["webhook.secret_version"].clone()).collect();
        assert_eq!(
            versions,
            [json!("current"), json!("current"), json!("current"), json!("previous"), json!(null)]
        );
    }
}

#[tokio::test]
async fn an_instance_that_starts_during_a_rotation_accepts_both_secrets() {
    for kind in Kind::all() {
        let provider = kind.provider;
        let setup =
            Setup::new(provider, true).await.with_secret(&provider.key().write("old")).await;
        setup
            .aws
            .rotate_secret(&setup.variables["SIGNING_SECRET_ID"], &provider.key().write("new"))
            .await;
        let world = setup.start().await;
        assert_eq!(
            deliver(&world, kind, "old", 1).await,
            200,
            "{kind:?}: the start has not fetched it yet"
        );
        assert_eq!(deliver(&world, kind, "new", 2).await, 200, "{kind:?}");
        assert_eq!(deliver(&world, kind, "old", 3).await, 200, "{kind:?}");
    }
}

#[tokio::test]
async fn the_stored_value_may_be_json_and_may_end_in_a_line_break() {
    for kind in Kind::all() {
        let provider = kind.provider;
        let key = provider.key().write("key");
        let json = json!({ "signing_secret": key });
        for value in
            [format!("{key}\n"), format!("{key}\r\n"), json.to_string(), format!("{json}\n")]
        {
            let world = Setup::new(provider, true).await.with_secret(&value).await.start().await;
            assert_eq!(deliver(&world, kind, "key", 1).await, 200, "{kind:?}: {value:?}");
        }
    }
}

#[tokio::test]
async fn a_value_that_is_not_a_secret_is_503_and_nothing_is_written() {
    for kind in Kind::all() {
        let provider = kind.provider;
        let key = provider.key().write("key");
        let mut values = vec![
            "\n".to_owned(),
            format!("\u{feff}{key}"),
            format!("\u{feff}{{\"signing_secret\": \"{key}\"}}"),
            "{}".to_owned(),
            r#"{"signing_secret": ""}"#.to_owned(),
            r#"{"signing_secret": 1}"#.to_owned(),
            format!("{{signing_secret:{key}}}"),
        ];
        match provider.key() {
            Key::Text => {}
            Key::Hex => values.push("no hexadecimal digits".to_owned()),
            Key::Base64AfterPrefix(prefix) => {
                values.push(key.trim_start_matches(prefix).to_owned());
                values.push(format!("{prefix}%%%%"));
            }
        }
        for value in values {
            let world = Setup::new(provider, true).await.with_secret(&value).await.start().await;
            assert_eq!(deliver(&world, kind, "key", 1).await, 503, "{kind:?}: {value:?}");
            world.assert_nothing_written().await;
        }
    }
}

/// Returns a world whose secret does not exist.
async fn without_a_secret(kind: Kind) -> World {
    Setup::new(kind.provider, true).await.with("SIGNING_SECRET_ID", "absent").start().await
}

#[tokio::test]
async fn an_absent_secret_is_503() {
    for kind in Kind::all() {
        let world = without_a_secret(kind).await;
        assert_eq!(world.deliver(&Event::new(kind, 1)).await, unavailable(), "{kind:?}");
    }
}

#[tokio::test]
async fn the_form_of_the_headers_is_checked_before_the_secret() {
    for kind in Kind::all() {
        let world = without_a_secret(kind).await;
        assert_eq!(world.send(&[], "{}").await, refused(), "{kind:?}");
    }
}

#[tokio::test]
async fn an_unusable_previous_version_matters_only_after_a_mismatch() {
    for kind in Kind::all() {
        let provider = kind.provider;
        let setup = Setup::new(provider, true).await;
        let name = &setup.variables["SIGNING_SECRET_ID"];
        let binary = setup
            .aws
            .secrets
            .put_secret_value()
            .secret_id(name)
            .secret_binary(Blob::new(b"\x00".to_vec()));
        binary.send().await.expect("a secret is put");
        setup.aws.rotate_secret(name, &provider.key().write("current")).await;
        let world = setup.start().await;
        assert_eq!(deliver(&world, kind, "current", 1).await, 200, "{kind:?}");
        assert_eq!(deliver(&world, kind, ANOTHER, 2).await, 503, "{kind:?}");
    }
}

#[tokio::test]
async fn a_deleted_secret_ends_the_cached_one_at_once() {
    for kind in Kind::all() {
        let provider = kind.provider;
        let world = World::of(provider).await;
        assert_eq!(deliver(&world, kind, KEY, 1).await, 200);
        let delete = world
            .aws
            .secrets
            .delete_secret()
            .secret_id(&world.secret)
            .force_delete_without_recovery(true);
        delete.send().await.expect("the secret is deleted");
        assert_eq!(
            deliver(&world, kind, KEY, 2).await,
            200,
            "{kind:?}: it has not been fetched again yet"
        );
        assert_eq!(
            deliver(&world, kind, ANOTHER, 3).await,
            503,
            "{kind:?}: the mismatch fetches it again"
        );
        assert_eq!(
            deliver(&world, kind, KEY, 4).await,
            503,
            "{kind:?}: the refusal has ended the cached secret"
        );
    }
}
