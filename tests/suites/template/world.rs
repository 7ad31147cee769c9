//! One emulated account for all tests of this suite. A test that needs a stack deploys its own.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use tokio::sync::OnceCell;
use webhook_cli::{OutgoingDelivery, Sender};
use webhook_tests::{
    api::Api,
    emulator::Aws,
    now,
    stack::{Account, Stack},
};
use webhook_verify::{
    Header, SigningSecret,
    providers::{PROVIDERS, named},
    sign::example_body,
};

/// Returns the account, and the packaged template's URL.
async fn account() -> &'static (Account, String) {
    static ACCOUNT: OnceCell<(Account, String)> = OnceCell::const_new();
    ACCOUNT
        .get_or_init(|| async {
            let account = Account::start(|_| ()).await;
            let packaged = account.package().await;
            (account, packaged)
        })
        .await
}

/// Deploys a stack, or returns the message that refuses it.
pub(crate) async fn try_deploy(name: &str, parameters: &[(&str, &str)]) -> Result<Stack, String> {
    let (account, packaged) = account().await;
    account.create(name, packaged, parameters).await
}

pub(crate) async fn deploy(name: &str, parameters: &[(&str, &str)]) -> Stack {
    try_deploy(name, parameters).await.expect("the stack is deployed")
}

/// Returns clients of the account's administrator.
pub(crate) async fn aws() -> Aws {
    Aws::at(&account().await.0.emulator.endpoint)
}

/// Returns the emulator's services for which there is no SDK crate here.
pub(crate) async fn api() -> Api {
    Api::at(&account().await.0.emulator.endpoint)
}

/// Returns a function's configuration, as Lambda has it.
pub(crate) async fn configuration(function: &str) -> Value {
    let path = format!("/2015-03-31/functions/{function}/configuration");
    api().await.json("GET", "lambda", &path, None, &Value::Null)
}

/// Returns the variables of a function's environment.
pub(crate) async fn variables(function: &str) -> HashMap<String, String> {
    let configuration = configuration(function).await;
    let variables =
        configuration["Environment"]["Variables"].as_object().expect("it has variables");
    variables
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
        .collect()
}

/// Returns every provider's name.
pub(crate) fn providers() -> Vec<&'static str> {
    PROVIDERS.iter().map(|provider| provider.name()).collect()
}

/// A delivery of an event.
pub(crate) struct Signed {
    pub(crate) headers: Vec<Header>,
    pub(crate) body: String,
}

/// Returns a delivery of an event that `id` tells from others, that carries this many bytes, and
/// that is signed with this key.
pub(crate) fn signed(provider: &str, key: &str, id: &str, bytes: usize) -> Signed {
    let provider = named(provider).expect("is on the list");
    let scheme = provider.schemes().last().expect("a provider has a scheme");
    let secret = SigningSecret::new(key.into()).expect("not empty");
    let number =
        id.bytes().fold(0, |number: usize, byte| (number * 31 + usize::from(byte)) % 1_000_000_007);
    let body = example_body(scheme, number, 0);
    let member = format!("\"number\": {number}");
    let body = body.replace(&member, &format!("{member}, \"data\": \"{}\"", "x".repeat(bytes)));
    let sender = Sender { id: Some(format!("evt_{number}")), ..Sender::new(provider, scheme) };
    let delivery = OutgoingDelivery::sign(sender, &secret, now(), body.clone().into_bytes())
        .expect("can be signed");
    Signed { headers: delivery.headers(), body }
}

/// Returns the text of a record's attribute.
pub(crate) fn text(record: &HashMap<String, AttributeValue>, name: &str) -> Option<String> {
    record.get(name).map(|value| value.as_s().expect("a text").clone())
}
