//! Shopify: `X-Shopify-Hmac-Sha256: <base64>` over the body. `WooCommerce` and LINE sign the same
//! way, under other headers.
//!
//! Shopify signs no time and no id, so only the idempotency record stops a replay: two deliveries
//! with equal bodies are one event. Unsigned: the event's name (`X-Shopify-Topic`) and the id of
//! the event (`X-Shopify-Event-Id`). The signed body's `id` is that of an order or a product, not
//! of the event.

use crate::description::{
    Encoding, EventType, Facts, Form, Hash, Key, Message, Provider, Scheme, Signature, Unsigned,
};

/// Shopify.
pub const SHOPIFY: &Provider = &Provider::new(
    "shopify",
    Key::Text,
    &[Scheme {
        name: "shopify",
        documentation: "https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
        signature: Signature {
            // `shopify-hmac-sha256` is not listed too: some deliveries have both headers, and would
            // be refused.
            header: &["x-shopify-hmac-sha256"],
            form: Form::Bare,
            encoding: Encoding::Base64,
            hash: Hash::Sha256,
        },
        time: None,
        messages: &[Message::RAW_BODY],
        facts: Facts {
            event_type: EventType::Unsigned(Unsigned::Header("x-shopify-topic")),
            delivery_id: &[
                Unsigned::Header("x-shopify-event-id"),
                Unsigned::Header("shopify-event-id"),
            ],
            ..Facts::NONE
        },
    }],
)
.also_sends(&[("x-shopify-topic", "orders/create")]);
