//! The exact line of each kind of delivery.

use webhook_ingest::{Call, CallError, Durations, Fault, SecretError, Trail};
use webhook_verify::{SecretVersion, VerifyError};

use super::*;

const WARM: Invocation<'static> = Invocation {
    provider: "acme",
    function_name: "acme",
    function_version: "7",
    request_id: "00000000-0000-4000-8000-000000000000",
    cold_start: false,
};

fn at() -> UnixMillis {
    UnixMillis(1_795_297_388_123)
}

fn text(line: &Line<'_>) -> String {
    serde_json::to_string(line).expect("serialises")
}

fn line(invocation: &Invocation<'_>, outcome: Outcome, trail: Trail) -> String {
    let report = Report { outcome, trail };
    let handled =
        Handled { report: &report, body_bytes: 1_234, duration: Duration::from_millis(21) };
    text(&Line::of_delivery(invocation, &handled, at()))
}

#[test]
fn an_accepted_delivery_has_a_duration_of_each_part() {
    let ms = |ms| Some(Duration::from_millis(ms));
    let durations = Durations { verify: ms(0), claim: ms(5), send: ms(9), close: ms(6) };
    let accepted = Outcome::Accepted { id: "e1".to_owned() };
    assert_eq!(
        line(&WARM, accepted, Trail { durations, ..Trail::default() }),
        concat!(
            r#"{"_aws":{"Timestamp":1795297388123,"CloudWatchMetrics":["#,
            r#"{"Namespace":"Webhooks","Dimensions":[["FunctionName"]],"Metrics":["#,
            r#"{"Name":"Refusals","Unit":"Count"},{"Name":"Faults","Unit":"Count"},"#,
            r#"{"Name":"LeaseTakeovers","Unit":"Count"},"#,
            r#"{"Name":"SecretFetchFailures","Unit":"Count"},"#,
            r#"{"Name":"VerifyDuration","Unit":"Milliseconds"},"#,
            r#"{"Name":"ClaimDuration","Unit":"Milliseconds"},"#,
            r#"{"Name":"SendDuration","Unit":"Milliseconds"},"#,
            r#"{"Name":"CompleteDuration","Unit":"Milliseconds"},"#,
            r#"{"Name":"Duration","Unit":"Milliseconds"},{"Name":"BodySize","Unit":"Bytes"}]},"#,
            r#"{"Namespace":"Webhooks","#,
            r#""Dimensions":[["FunctionName"],["FunctionName","Outcome"]],"Metrics":["#,
            r#"{"Name":"Deliveries","Unit":"Count"}]}]},"#,
            r#""FunctionName":"acme","Outcome":"accepted","#,
            r#""Deliveries":1,"Refusals":0,"Faults":0,"LeaseTakeovers":0,"SecretFetchFailures":0,"#,
            r#""VerifyDuration":0,"ClaimDuration":5,"SendDuration":9,"CompleteDuration":6,"#,
            r#""Duration":21,"BodySize":1234}"#
        )
    );
}

#[test]
fn the_line_of_a_fault_has_its_reason_but_no_complete() {
    let ms = |ms| Some(Duration::from_millis(ms));
    let error = || CallError::NoResponse("out of time");
    let trail = Trail {
        taken_over: true,
        secret: Some(SecretVersion::Previous),
        delivery_id_changed: true,
        event_type_changed: true,
        warning: Some(Fault::Call { call: Call::Release, error: error() }),
        secret_fetch: SecretFetch::AfterMismatch,
        durations: Durations { verify: ms(1), claim: ms(2), send: ms(3), close: ms(4) },
        ..Trail::default()
    };
    let cold = Invocation { cold_start: true, ..WARM };
    assert_eq!(
        line(&cold, Outcome::Unavailable(Fault::Call { call: Call::Send, error: error() }), trail),
        concat!(
            r#"{"_aws":{"Timestamp":1795297388123,"CloudWatchMetrics":["#,
            r#"{"Namespace":"Webhooks","Dimensions":[["FunctionName"]],"Metrics":["#,
            r#"{"Name":"ColdStarts","Unit":"Count"},{"Name":"Refusals","Unit":"Count"},"#,
            r#"{"Name":"LeaseTakeovers","Unit":"Count"},"#,
            r#"{"Name":"SecretFetchFailures","Unit":"Count"},"#,
            r#"{"Name":"SecretRefetches","Unit":"Count"},"#,
            r#"{"Name":"PreviousSecretUses","Unit":"Count"},"#,
            r#"{"Name":"DeliveryIdChanges","Unit":"Count"},"#,
            r#"{"Name":"EventTypeChanges","Unit":"Count"},"#,
            r#"{"Name":"Warnings","Unit":"Count"},"#,
            r#"{"Name":"VerifyDuration","Unit":"Milliseconds"},"#,
            r#"{"Name":"ClaimDuration","Unit":"Milliseconds"},"#,
            r#"{"Name":"SendDuration","Unit":"Milliseconds"},"#,
            r#"{"Name":"Duration","Unit":"Milliseconds"},{"Name":"BodySize","Unit":"Bytes"}]},"#,
            r#"{"Namespace":"Webhooks","#,
            r#""Dimensions":[["FunctionName"],["FunctionName","Outcome"]],"Metrics":["#,
            r#"{"Name":"Deliveries","Unit":"Count"}]},"#,
            r#"{"Namespace":"Webhooks","#,
            r#""Dimensions":[["FunctionName"],["FunctionName","Reason"],"#,
            r#"["FunctionName","ExecutedVersion"]],"Metrics":["#,
            r#"{"Name":"Faults","Unit":"Count"}]}]},"#,
            r#""FunctionName":"acme","Outcome":"unavailable","Reason":"send","#,
            r#""ExecutedVersion":"7","#,
            r#""Deliveries":1,"ColdStarts":1,"Refusals":0,"Faults":1,"LeaseTakeovers":1,"#,
            r#""SecretFetchFailures":0,"#,
            r#""SecretRefetches":1,"PreviousSecretUses":1,"DeliveryIdChanges":1,"#,
            r#""EventTypeChanges":1,"Warnings":1,"#,
            r#""VerifyDuration":1,"ClaimDuration":2,"SendDuration":3,"Duration":21,"#,
            r#""BodySize":1234}"#
        )
    );
}

#[test]
fn the_line_of_a_refusal_has_its_reason_but_no_claim_or_send() {
    let trail = Trail { secret_fetch: SecretFetch::Failed(SecretError::Empty), ..Trail::default() };
    assert_eq!(
        line(&WARM, Outcome::Refused(VerifyError::HeaderMissing("x")), trail),
        concat!(
            r#"{"_aws":{"Timestamp":1795297388123,"CloudWatchMetrics":["#,
            r#"{"Namespace":"Webhooks","Dimensions":[["FunctionName"]],"Metrics":["#,
            r#"{"Name":"Faults","Unit":"Count"},{"Name":"LeaseTakeovers","Unit":"Count"},"#,
            r#"{"Name":"SecretFetchFailures","Unit":"Count"},"#,
            r#"{"Name":"Duration","Unit":"Milliseconds"},"#,
            r#"{"Name":"BodySize","Unit":"Bytes"}]},"#,
            r#"{"Namespace":"Webhooks","#,
            r#""Dimensions":[["FunctionName"],["FunctionName","Outcome"]],"Metrics":["#,
            r#"{"Name":"Deliveries","Unit":"Count"}]},"#,
            r#"{"Namespace":"Webhooks","#,
            r#""Dimensions":[["FunctionName"],["FunctionName","Reason"]],"Metrics":["#,
            r#"{"Name":"Refusals","Unit":"Count"}]}]},"#,
            r#""FunctionName":"acme","Outcome":"refused","Reason":"header_missing","#,
            r#""Deliveries":1,"Refusals":1,"Faults":0,"LeaseTakeovers":0,"SecretFetchFailures":1,"#,
            r#""Duration":21,"BodySize":1234}"#
        )
    );
}

#[test]
fn an_event_without_a_delivery_counts_as_a_malformed_one() {
    assert_eq!(
        text(&Line::of_event_without_delivery(&WARM, at())),
        concat!(
            r#"{"_aws":{"Timestamp":1795297388123,"CloudWatchMetrics":["#,
            r#"{"Namespace":"Webhooks","Dimensions":[["FunctionName"]],"Metrics":["#,
            r#"{"Name":"Refusals","Unit":"Count"},{"Name":"Faults","Unit":"Count"},"#,
            r#"{"Name":"LeaseTakeovers","Unit":"Count"},"#,
            r#"{"Name":"SecretFetchFailures","Unit":"Count"}]},"#,
            r#"{"Namespace":"Webhooks","#,
            r#""Dimensions":[["FunctionName"],["FunctionName","Outcome"]],"Metrics":["#,
            r#"{"Name":"Deliveries","Unit":"Count"}]}]},"#,
            r#""FunctionName":"acme","Outcome":"malformed","#,
            r#""Deliveries":1,"Refusals":0,"Faults":0,"LeaseTakeovers":0,"SecretFetchFailures":0}"#
        )
    );
}

#[test]
fn each_metric_has_its_name_unit_and_number_of_dimension_sets() {
    let metrics =
        METRICS.map(|metric| (metric.name(), metric.unit(), metric.dimension_sets().len()));
    assert_eq!(
        metrics,
        [
            ("Deliveries", "Count", 2),
            ("Refusals", "Count", 2),
            ("Faults", "Count", 3),
            ("LeaseTakeovers", "Count", 1),
            ("SecretFetchFailures", "Count", 1),
            ("SecretRefetches", "Count", 1),
            ("PreviousSecretUses", "Count", 1),
            ("DeliveryIdChanges", "Count", 1),
            ("EventTypeChanges", "Count", 1),
            ("Warnings", "Count", 1),
            ("ColdStarts", "Count", 1),
            ("VerifyDuration", "Milliseconds", 1),
            ("ClaimDuration", "Milliseconds", 1),
            ("SendDuration", "Milliseconds", 1),
            ("CompleteDuration", "Milliseconds", 1),
            ("Duration", "Milliseconds", 1),
            ("BodySize", "Bytes", 1),
        ]
    );
}

#[test]
fn what_did_not_happen_is_left_out_of_the_line() {
    let trail = Trail { secret: Some(SecretVersion::Current), ..Trail::default() };
    let line = line(&WARM, Outcome::Duplicate { id: "e1".to_owned() }, trail);
    for metric in
        [PREVIOUS_SECRET_USES, SECRET_REFETCHES, DELIVERY_ID_CHANGES, EVENT_TYPE_CHANGES, WARNINGS]
    {
        assert!(!line.contains(metric.name()), "{}", metric.name());
    }
}
