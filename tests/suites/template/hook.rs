//! The pre-traffic hook's real bootstrap, on the functions of a deployed stack. The emulator lacks
//! CodeDeploy, so a small server takes its place and keeps what it is told.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use webhook_tests::{
    emulator::client_variables,
    function::{Answer, Function},
    stack::{Stack, output},
};
use webhook_verify::{Provider, providers::PROVIDERS};

use crate::{
    permissions::{EVERYTHING, Role, assert_nothing_more},
    world::{api, deploy, variables},
};

const EXPECTED: &str = "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus";

/// The server in the place of CodeDeploy, with what it was told.
struct CodeDeploy {
    endpoint: String,
    told: Arc<Mutex<Vec<Value>>>,
}

impl CodeDeploy {
    /// Starts a server that answers with this status.
    async fn start(status: StatusCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                let service = service_fn(move |request| answer(status, Arc::clone(&kept), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { endpoint, told }
    }

    fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(
    status: StatusCode,
    kept: Arc<Mutex<Vec<Value>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.headers()["x-amz-target"], EXPECTED);
    let body = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    kept.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(serde_json::from_slice(&body).unwrap_or_default());
    let mut response = Response::new(Full::new(Bytes::from_static(
        br#"{"__type":"DeploymentDoesNotExistException"}"#,
    )));
    *response.status_mut() = status;
    Ok(response)
}

/// Runs a provider's hook against a version. Returns what the hook answers to Lambda, and its log.
async fn run_hook(
    stack: &Stack,
    codedeploy: &CodeDeploy,
    provider: &Provider,
    version: &str,
    secret: &str,
) -> (Answer, String) {
    let mut variables = client_variables(&stack.endpoint);
    for (name, value) in [
        ("AWS_ENDPOINT_URL_CODEDEPLOY", codedeploy.endpoint.as_str()),
        ("PROVIDER", provider.name()),
        ("NEW_VERSION", version),
        ("SIGNING_SECRET_ID", secret),
        ("PUBLIC_URL", &webhook_cli::development_url(provider)),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    invoke(&variables).await
}

/// Invokes a hook with these variables. Returns what it answers to Lambda, and its log.
async fn invoke(variables: &HashMap<String, String>) -> (Answer, String) {
    let hook = Function::start("pre-traffic-hook", variables).await;
    let event = json!({ "DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1" });
    let answer = hook.invoke(&event).await;
    (answer, hook.log())
}

fn told(status: &str) -> Value {
    json!({ "deploymentId": "d-1", "lifecycleEventHookExecutionId": "e-1", "status": status })
}

#[tokio::test]
async fn a_version_that_verifies_its_provider_gets_traffic() {
    let stack = deploy("hook-succeeds", &[]).await;
    let codedeploy = CodeDeploy::start(StatusCode::OK).await;
    for provider in PROVIDERS {
        let [version, secret] =
            ["FunctionName", "SecretArn"].map(|what| &stack.outputs[&output(provider, what)]);
        let (answer, log) = run_hook(&stack, &codedeploy, provider, version, secret).await;
        assert_eq!(answer, Ok(Value::Null), "{}: {log}", provider.name());
    }
    assert_eq!(codedeploy.told(), vec![told("Succeeded"); PROVIDERS.len()]);
    assert!(stack.aws.records(&stack.outputs["IdempotencyTableName"]).await.is_empty());
    assert!(stack.aws.take_messages(&stack.outputs["EventQueueUrl"]).await.is_empty());
}

#[tokio::test]
async fn a_version_that_refuses_its_provider_or_fails_gets_no_traffic() {
    let stack = deploy("hook-fails", &[("ExampleConsumer", "true")]).await;
    let provider = PROVIDERS[0];
    let [version, secret] =
        ["FunctionName", "SecretArn"].map(|what| stack.outputs[&output(provider, what)].clone());
    let other =
        stack.aws.create_secret(&provider.key().write("another-secret-of-sixteen-bytes")).await;
    let consumer = stack.outputs["ExampleConsumerFunctionName"].clone();
    for (version, secret, reason) in [
        (
            version.as_str(),
            other.as_str(),
            "the version answers 401 to a signed delivery that is malformed; expected 400",
        ),
        (
            &version,
            "none-of-this-name",
            "the signing secret could not be read: the service refused the call: \
             ResourceNotFoundException",
        ),
        (
            "none-of-this-name",
            &secret,
            "the version could not be invoked: the service refused the call: \
             ResourceNotFoundException",
        ),
        (&consumer, &secret, "the version failed (Unhandled): its log has the reason"),
    ] {
        let codedeploy = CodeDeploy::start(StatusCode::OK).await;
        let (answer, log) = run_hook(&stack, &codedeploy, provider, version, secret).await;
        assert_eq!(
            (answer, codedeploy.told()),
            (Ok(Value::Null), vec![told("Failed")]),
            "{reason}: {log}"
        );
        assert!(log.contains(&format!("\"reason\":\"{reason}")), "{reason}: {log}");
        assert!(!log.contains("another-secret"), "{log}");
    }
    // The version does not start.
    let broken = json!({ "Environment": { "Variables": { "QUEUE_URL": "not a queue" } } });
    let path = format!("/2015-03-31/functions/{version}/configuration");
    let updated = api().await.json("PUT", "lambda", &path, None, &broken);
    assert_eq!(updated["FunctionName"], version);
    let codedeploy = CodeDeploy::start(StatusCode::OK).await;
    let (answer, log) = run_hook(&stack, &codedeploy, provider, &version, &secret).await;
    assert_eq!((answer, codedeploy.told()), (Ok(Value::Null), vec![told("Failed")]), "{log}");
}

#[tokio::test]
async fn a_result_that_codedeploy_refuses_is_an_error_to_lambda() {
    let stack = deploy("hook-untold", &[]).await;
    let codedeploy = CodeDeploy::start(StatusCode::BAD_REQUEST).await;
    let provider = PROVIDERS[0];
    let [version, secret] =
        ["FunctionName", "SecretArn"].map(|what| &stack.outputs[&output(provider, what)]);
    let (answer, _) = run_hook(&stack, &codedeploy, provider, version, secret).await;
    let error = answer.expect_err("an error");
    assert_eq!(error["errorType"], "NotReported");
    let message = "could not tell CodeDeploy the result: the service refused the call: \
                   DeploymentDoesNotExistException";
    assert_eq!(error["errorMessage"], message);
}

/// The permission that no test can show, because the emulator has no `CodeDeploy`.
const UNSEEN: &str = "codedeploy:PutLifecycleEventHookExecutionStatus";

/// Runs the hook with its deployed variables and role, and takes each permission away once.
#[tokio::test]
async fn the_deployed_hook_may_make_its_calls_and_no_others() {
    let api = api().await;
    let mut parameters = EVERYTHING.to_vec();
    parameters.push(("DeploymentStrategy", "AllAtOnce"));
    let stack = deploy("permissions-hook", &parameters).await;
    let refused = |what: &str| format!("{what}: the service refused the call: AccessDenied");
    let cases = [
        ("lambda:InvokeFunction", refused("the version could not be invoked")),
        ("secretsmanager:GetSecretValue", refused("the signing secret could not be read")),
    ];
    for provider in PROVIDERS {
        let function = format!("CodeDeployHook_permissions-hook-{}", provider.name());
        let role = Role::of(&api, &function).await;
        assert_nothing_more(&role, cases.iter().map(|(action, _)| *action).chain([UNSEEN]));
        assert!(role.actions().contains(UNSEEN));
        let mut deployed = client_variables(&stack.endpoint);
        deployed.extend(variables(&function).await);
        let codedeploy = CodeDeploy::start(StatusCode::OK).await;
        deployed.insert("AWS_ENDPOINT_URL_CODEDEPLOY".to_owned(), codedeploy.endpoint.clone());

        role.allow_all_but(&[]);
        deployed.extend(role.credentials());
        let (answer, log) = invoke(&deployed).await;
        assert_eq!(
            (answer, codedeploy.told()),
            (Ok(Value::Null), vec![told("Succeeded")]),
            "{log}"
        );
        for (action, reason) in &cases {
            role.allow_all_but(&[action]);
            deployed.extend(role.credentials());
            let (_, log) = invoke(&deployed).await;
            assert!(log.contains(reason.as_str()), "without {action}: {log}");
        }
        assert_eq!(codedeploy.told(), [told("Succeeded"), told("Failed"), told("Failed")]);
    }
}
