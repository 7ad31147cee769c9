//! `webhook pinwheel webhooks`: registrations, through Pinwheel's API.
//! Source: <https://docs.pinwheelapi.com/public/reference>, "Webhooks".

use std::io::Write;

use serde_json::json;
use ureq::{
    AsSendBody,
    http::{HeaderValue, Request, Response, request::Builder},
};

use super::Outcome;
use crate::{Error, PinwheelApiArgs, PinwheelArgs, PinwheelSubject, WebhooksAction, http, input, notice};

/// All that Pinwheel documents. It sends what a registration names and nothing else, so a new one must be added to both.
const EVENTS: [&str; 34] = [
    "account.added",
    "account.additional_connections_recommended",
    "account.monitoring_status.updated",
    "bill.added",
    "bill.removed",
    "bill.reminder",
    "bill.updated",
    "bill_switch.added",
    "bill_switch.cancelled",
    "company_connect.census.added",
    "company_connect.employments.added",
    "company_connect.incomes.added",
    "company_connect.status.updated",
    "direct_deposit_allocations.added",
    "direct_deposit_switch.added",
    "documents.added",
    "earnings_stream.payouts.refreshed",
    "employment.added",
    "identity.added",
    "income.added",
    "paycheck_viewer.added",
    "paystubs.added",
    "paystubs.documents.added",
    "paystubs.fully_synced",
    "paystubs.seven_days_synced",
    "paystubs.thirty_days_synced",
    "paystubs.ninety_days_synced",
    "shifts.added",
    "shifts.fully_synced",
    "shifts.seven_days_synced",
    "shifts.thirty_days_synced",
    "shifts.ninety_days_synced",
    "tax_forms.added",
    "verification_reports.refreshed",
];

pub(super) fn run(args: &PinwheelArgs, out: &mut impl Write) -> Result<Outcome, Error> {
    let PinwheelSubject::Webhooks(args) = &args.subject;
    match &args.action {
        WebhooksAction::List(api) => ask(api, Request::get(url(api, "")), (), out),
        WebhooksAction::Add(add) => {
            let events = if add.events.is_empty() { EVENTS.map(str::to_owned).to_vec() } else { add.events.clone() };
            let body = json!({
                "url": add.url.to_string(),
                "status": "active",
                "enabled_events": events,
                "version": add.api.api_version,
            });
            let request = Request::post(url(&add.api, "")).header("content-type", "application/json");
            ask(&add.api, request, body.to_string(), out)
        }
        WebhooksAction::Remove(remove) => {
            ask(&remove.api, Request::delete(url(&remove.api, &format!("/{}", remove.id))), (), out)
        }
    }
}

fn url(api: &PinwheelApiArgs, path: &str) -> String {
    format!("{}/v1/webhooks{path}", api.base_url())
}

/// Prints the answer's body, and its status where it is no success.
fn ask(api: &PinwheelApiArgs, request: Builder, body: impl AsSendBody, out: &mut impl Write) -> Result<Outcome, Error> {
    let secret = input::api_secret(api.secret_file.as_deref())?;
    let mut secret = HeaderValue::from_bytes(&secret).map_err(|_| Error::ApiSecretUnfit)?;
    secret.set_sensitive(true);
    let request = request.header("x-api-secret", secret).header("pinwheel-version", &api.api_version);
    let answer = http::exchange(request.body(body))?;
    print(&answer, out)
}

fn print(answer: &Response<Vec<u8>>, out: &mut impl Write) -> Result<Outcome, Error> {
    out.write_all(answer.body()).map_err(Error::Stdout)?;
    if !answer.body().is_empty() && !answer.body().ends_with(b"\n") {
        writeln!(out).map_err(Error::Stdout)?;
    }
    if answer.status().is_success() {
        Ok(Outcome::Done)
    } else {
        notice(&format!("Pinwheel answered {}.", answer.status()));
        Ok(Outcome::Refused)
    }
}
