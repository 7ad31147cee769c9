//! The samples in `events/` are complete, current and answered as the table says; and each provider has all its places.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    sync::Once,
};

use webhook_cli::{OutgoingDelivery, ProviderName};
use webhook_tests::{
    samples::{self, Answer, SENT_AT, Sample},
    workspace,
};
use webhook_verify::{
    Delivery, Provider, SigningSecret, SigningSecrets, Tolerance,
    providers::{Endgrate, Pinwheel},
    sha256_hex,
};

/// If it is set, the samples are written again, each with the body that it has.
const UPDATE_VARIABLE: &str = "UPDATE_SAMPLES";

/// Returns the samples: after writing them again, if [`UPDATE_VARIABLE`] is set. No test reads a file that another is writing.
fn current() -> Vec<Sample> {
    static UPDATED: Once = Once::new();
    UPDATED.call_once(|| {
        if env::var_os(UPDATE_VARIABLE).is_some() {
            for sample in samples::all() {
                fs::write(sample.path(), made(&sample)).expect("events/ can be written");
            }
        }
    });
    samples::all()
}

/// Returns what the tool makes of the sample's body.
fn made(sample: &Sample) -> String {
    let Sample { sender, at, encoding, .. } = sample.clone();
    let (_, body) = sample.request();
    OutgoingDelivery::sign(sender, &secret(sample.secret), at, body)
        .and_then(|delivery| delivery.to_lambda_event(encoding))
        .unwrap_or_else(|error| panic!("events/{}: {error}", sample.file))
}

#[test]
fn every_file_is_in_the_table_and_every_row_has_its_file() {
    let mut files = BTreeSet::new();
    for provider in entries(&samples::folder()).into_iter().filter(|path| path.is_dir()) {
        files.extend(entries(&provider).iter().map(|path| format!("{}/{}", name(&provider), name(path))));
    }
    let table = current();
    let rows: BTreeSet<_> = table.iter().map(|sample| sample.file.to_owned()).collect();
    assert_eq!(rows, files);
    assert_eq!(table.len(), rows.len(), "a file has two rows");
    for Sample { file, sender, .. } in &table {
        assert_eq!(file.split('/').next(), Some(sender.provider().name()), "{file} is in the folder of its provider");
    }
}

#[test]
fn every_sample_is_what_the_tool_makes_of_its_body() {
    for sample in current() {
        let made = made(&sample);
        let same = made == sample.event();
        assert!(same, "events/{}: run this test once with {UPDATE_VARIABLE}=1, and look at what changes", sample.file);
    }
}

#[test]
fn every_sample_gets_the_answer_of_the_table() {
    for sample in current() {
        let answer = match sample.sender.provider() {
            ProviderName::Pinwheel => answer(&Pinwheel, &sample),
            ProviderName::Endgrate => answer(&Endgrate, &sample),
        };
        assert_eq!(answer, sample.answer, "events/{}", sample.file);
    }
}

#[test]
fn no_two_accepted_samples_are_the_same_event() {
    let accepted = |sample: Sample| match sample.answer {
        Answer::Accepted { id, .. } => Some(id),
        Answer::Refused { .. } | Answer::Malformed => None,
    };
    let ids: Vec<_> = current().into_iter().filter_map(accepted).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len());
}

#[test]
fn the_python_form_sample_needs_the_python_form() {
    let samples = current();
    let sample = samples.iter().find(|sample| sample.file == "endgrate/python_form.json").expect("there is one");
    let python_form = r#"{"success": true, "transfer_id": "6566e87b7cf20dca9cef0d05", "session_id": "6566e85e7cf20dca9cef0c05", "metadata": {"user_id": 1, "label": "Zo\u00e9", "rate": 1.5}, "endgrate": {"endgrate_type": "crm-contact"}, "completed": true}"#;
    let id = format!("body-sha256:{}", sha256_hex(python_form.as_bytes()));
    assert_eq!(sample.answer, Answer::Accepted { event_type: "completed".to_owned(), id });
    let (_, body) = sample.request();
    assert_eq!(
        String::from_utf8(body).expect("UTF-8"),
        r#"{"success":true,"transfer_id":"6566e87b7cf20dca9cef0d05","session_id":"6566e85e7cf20dca9cef0c05","metadata":{"user_id":1,"label":"Zoé","rate":1.50},"endgrate":{"endgrate_type":"crm-contact"},"completed":true}"#
    );
}

#[test]
fn every_provider_has_all_its_places() {
    let template = read("infra/template.yaml");
    let commands = ProviderName::all();
    let mut missing = Vec::new();
    for provider in providers() {
        for (place, exists) in [
            (
                format!("functions/{provider}/src/main.rs"),
                workspace().join(format!("functions/{provider}/src/main.rs")).is_file(),
            ),
            (
                format!("events/{provider}/"),
                current().iter().any(|sample| sample.file.starts_with(&format!("{provider}/"))),
            ),
            (
                format!("infra/template.yaml: Provider: {provider}"),
                has_line(&template, &format!("Provider: {provider}")),
            ),
            (
                format!("shared/webhook-cli/src/provider.rs: {provider}"),
                commands.iter().any(|command| command.name() == provider),
            ),
        ] {
            if !exists {
                missing.push(place);
            }
        }
    }
    assert_eq!(missing, [""; 0]);
}

/// Each has a folder in the verification crate.
fn providers() -> Vec<String> {
    let files = entries(&workspace().join("shared/webhook-verify/src/providers"));
    let names = files.iter().filter(|path| path.is_file()).map(|path| name(path));
    let providers: Vec<_> = names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect();
    providers.into_iter().filter(|provider| provider != "mod").collect()
}

/// What a receiver does with the sample that has the development secret and stands at the samples' time.
fn answer(provider: &impl Provider, sample: &Sample) -> Answer {
    let (headers, body) = sample.request();
    let delivery = Delivery::new(&headers, &body).expect("samples are small");
    let verified = provider
        .parse(delivery)
        .and_then(|unverified| provider.verify(&unverified, &secrets(), SENT_AT, Tolerance::default()));
    match verified
        .map(|verified| provider.event(&verified).map(|event| (event.event_type().to_owned(), event.id().to_owned())))
    {
        Ok(Ok((event_type, id))) => Answer::Accepted { event_type, id },
        Ok(Err(_)) => Answer::Malformed,
        Err(error) => Answer::Refused { reason: error.reason() },
    }
}

fn secret(text: &str) -> SigningSecret {
    SigningSecret::new(text.into()).expect("not empty")
}

fn secrets() -> SigningSecrets {
    SigningSecrets::new(secret(webhook_cli::DEVELOPMENT_SECRET), None)
}

fn read(file: &str) -> String {
    fs::read_to_string(workspace().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn has_line(text: &str, line: &str) -> bool {
    text.lines().any(|candidate| candidate.trim() == line)
}

/// In alphabetical order.
fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("the folder can be listed").path()).collect()
}

fn name(path: &Path) -> String {
    path.file_name().expect("an entry has a name").to_string_lossy().into_owned()
}
