//! Rotation, forms of the stored value, and values that cannot be used.

use aws_sdk_secretsmanager::primitives::Blob;
use serde_json::json;
use webhook_tests::now;
use webhook_verify::sign;

use crate::world::{SECRET, Setup, World, secret};

async fn deliver(world: &World, key: &str, id: &str) -> i64 {
    let body = json!({"event_id": id}).to_string();
    world.deliver(&sign::pinwheel_v2(&secret(key), now(), body.as_bytes()), &body).await.0
}

#[tokio::test]
async fn a_rotation_refuses_no_delivery() {
    let world = World::pinwheel().await;
    assert_eq!(deliver(&world, SECRET, "e1").await, 200);
    world.aws.rotate_secret(&world.secret, "rotated").await;
    assert_eq!(deliver(&world, SECRET, "e2").await, 200, "the old secret, still cached");
    assert_eq!(deliver(&world, "rotated", "e3").await, 200, "the new one is fetched at once");
    assert_eq!(deliver(&world, SECRET, "e4").await, 200, "the old one is the previous version now");
    assert_eq!(deliver(&world, "another", "e5").await, 401);
    let lines = world.function.delivery_lines(5).await;
    let versions: Vec<_> = lines.iter().map(|line| line["webhook.secret_version"].clone()).collect();
    assert_eq!(versions, [json!("current"), json!("current"), json!("current"), json!("previous"), json!(null)]);
}

#[tokio::test]
async fn an_instance_that_starts_during_a_rotation_takes_both_secrets() {
    let setup = Setup::new("pinwheel", true).await;
    let name = setup.aws.create_secret("old").await;
    setup.aws.rotate_secret(&name, "new").await;
    let world = setup.with("SIGNING_SECRET_ID", &name).start().await;
    assert_eq!(deliver(&world, "old", "e1").await, 200, "the start has not asked for it");
    assert_eq!(deliver(&world, "new", "e2").await, 200);
    assert_eq!(deliver(&world, "old", "e3").await, 200);
}

#[tokio::test]
async fn the_stored_value_may_be_json_and_may_end_in_a_line_break() {
    for value in ["key\n", "key\r\n", r#"{"signing_secret": "key"}"#, "{\"signing_secret\": \"key\"}\n"] {
        let setup = Setup::new("pinwheel", true).await;
        let name = setup.aws.create_secret(value).await;
        let world = setup.with("SIGNING_SECRET_ID", &name).start().await;
        assert_eq!(deliver(&world, "key", "e1").await, 200, "{value:?}");
    }
}

#[tokio::test]
async fn a_value_that_is_not_a_secret_is_503_and_nothing_is_written() {
    let json = ["{}", r#"{"signing_secret": ""}"#, r#"{"signing_secret": 1}"#, "{signing_secret:key}"];
    for value in ["\n", "\u{feff}key", "\u{feff}{\"signing_secret\": \"key\"}"].into_iter().chain(json) {
        let setup = Setup::new("pinwheel", true).await;
        let name = setup.aws.create_secret(value).await;
        let world = setup.with("SIGNING_SECRET_ID", &name).start().await;
        assert_eq!(deliver(&world, "key", "e1").await, 503, "{value:?}");
        world.assert_nothing_written().await;
    }
    let world = Setup::new("pinwheel", true).await.with("SIGNING_SECRET_ID", "absent").start().await;
    assert_eq!(deliver(&world, "key", "e1").await, 503);
    let (status, ..) = world.deliver(&[], "{}").await;
    assert_eq!(status, 401, "the form of the headers is checked before the secret");
}

#[tokio::test]
async fn an_unusable_previous_version_matters_only_after_a_mismatch() {
    let setup = Setup::new("pinwheel", true).await;
    let name = setup.aws.create_secret("first").await;
    let binary = setup.aws.secrets.put_secret_value().secret_id(&name).secret_binary(Blob::new(b"\x00".to_vec()));
    binary.send().await.expect("a secret is put");
    setup.aws.rotate_secret(&name, "current").await;
    let world = setup.with("SIGNING_SECRET_ID", &name).start().await;
    assert_eq!(deliver(&world, "current", "e1").await, 200);
    assert_eq!(deliver(&world, "another", "e2").await, 503);
}

#[tokio::test]
async fn a_deleted_secret_ends_the_cached_one_at_once() {
    let world = World::pinwheel().await;
    assert_eq!(deliver(&world, SECRET, "e1").await, 200);
    let delete = world.aws.secrets.delete_secret().secret_id(&world.secret).force_delete_without_recovery(true);
    delete.send().await.expect("the secret is deleted");
    assert_eq!(deliver(&world, SECRET, "e2").await, 200, "nobody has asked for it yet");
    assert_eq!(deliver(&world, "another", "e3").await, 503, "the mismatch asks");
    assert_eq!(deliver(&world, SECRET, "e4").await, 503, "and the answer ends the cached secret");
}
