//! GitHub: `X-Hub-Signature-256: sha256=<hex>` over the body. Cursor signs the same way, under
//! `X-Webhook-Signature`.
//!
//! GitHub signs no time and no id, so only the idempotency record stops a replay: two deliveries
//! with equal bodies are one event. Unsigned: the event's name (`X-GitHub-Event`) and the id of the
//! delivery (`X-GitHub-Delivery`).
//!
//! Set the webhook's content type to `application/json`: a form is not a JSON object and gets 400.

use crate::description::{
    Encoding, EventType, Facts, Form, Hash, Key, Message, Provider, Scheme, Signature, Unsigned,
};

/// GitHub.
pub const GITHUB: &Provider = &Provider::new(
    "github",
    Key::Text,
    &[Scheme {
        name: "github",
        documentation: "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
        signature: Signature {
            header: &["x-hub-signature-256"],
            form: Form::Prefixed("sha256="),
            encoding: Encoding::Hex,
            hash: Hash::Sha256,
        },
        time: None,
        messages: &[Message::RAW_BODY],
        facts: Facts {
            event_type: EventType::Unsigned(Unsigned::Header("x-github-event")),
            group: &["/repository/full_name"],
            delivery_id: &[Unsigned::Header("x-github-delivery")],
            ..Facts::NONE
        },
    }],
)
.also_sends(&[("user-agent", "GitHub-Hookshot/044aadd"), ("x-github-event", "ping")]);
