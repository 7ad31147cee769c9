//! The samples in `events/` are complete and current, and get the answers in their manifests. Each
//! provider is in all the places where it must be.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    sync::Once,
};

use webhook_cli::{OutgoingDelivery, Sender};
use webhook_tests::{
    samples::{self, Answer, MANIFEST, SENT_AT, Sample},
    workspace,
};
use webhook_verify::{Delivery, Provider, SigningSecrets, Tolerance, providers::PROVIDERS};

/// If this variable is set, the samples are signed and written again, with the bodies that they
/// have.
const UPDATE_VARIABLE: &str = "UPDATE_SAMPLES";

/// Returns the samples. If [`UPDATE_VARIABLE`] is set, they are written again first. This happens
/// once, so that no test reads a file that another one is writing.
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

/// Returns the event that the command-line tool makes from the sample's body.
fn made(sample: &Sample) -> String {
    let Sample { sender, at, encoding, .. } = sample.clone();
    let (_, body) = sample.request();
    OutgoingDelivery::sign(sender, &sample.secret(), at, body)
        .and_then(|delivery| delivery.to_lambda_event(encoding))
        .unwrap_or_else(|error| panic!("events/{}: {error}", sample.file))
}

#[test]
fn every_file_is_in_its_manifest_and_every_row_has_its_file() {
    let mut files = BTreeSet::new();
    for provider in entries(&samples::folder()).into_iter().filter(|path| path.is_dir()) {
        let samples = entries(&provider).into_iter().filter(|path| name(path) != MANIFEST);
        files.extend(samples.map(|path| format!("{}/{}", name(&provider), name(&path))));
    }
    let samples = current();
    let rows: BTreeSet<_> = samples.iter().map(|sample| sample.file.clone()).collect();
    assert_eq!(rows, files);
    assert_eq!(samples.len(), rows.len(), "a file has two rows");
}

#[test]
fn every_sample_is_what_the_tool_makes_from_its_body() {
    for sample in current() {
        let made = made(&sample);
        let same = made == sample.event();
        assert!(
            same,
            "events/{}: run this test once with {UPDATE_VARIABLE}=1, and look at what changes",
            sample.file
        );
    }
}

#[test]
fn every_sample_gets_the_answer_in_its_manifest() {
    for sample in current() {
        assert_eq!(answer(&sample), sample.answer, "events/{}", sample.file);
    }
}

#[test]
fn accepted_samples_are_different_events() {
    let mut ids = BTreeSet::new();
    for sample in current() {
        // Two providers may have the same id: the keys begin with the provider's name.
        let provider = sample.sender.provider.name();
        if let Answer::Accepted { id, .. } = sample.answer {
            assert!(ids.insert((provider, id)), "events/{}", sample.file);
        }
    }
}

#[test]
fn a_duplicate_repeats_an_earlier_accepted_sample() {
    let mut ids = BTreeSet::new();
    for sample in current() {
        let provider = sample.sender.provider.name();
        match sample.answer {
            Answer::Accepted { id, .. } => {
                ids.insert((provider, id));
            }
            Answer::Duplicate { id, .. } => {
                assert!(ids.contains(&(provider, id)), "events/{}", sample.file);
            }
            Answer::Refused { .. } | Answer::Malformed | Answer::Challenge { .. } => {}
        }
    }
}

#[test]
fn a_respelled_sample_needs_the_python_form() {
    for sample in current().into_iter().filter(|sample| sample.sender.respelled) {
        let as_sent = Sender { respelled: false, ..sample.sender.clone() };
        let (headers, body) = sample.request();
        let signed_as_sent =
            OutgoingDelivery::sign(as_sent, &sample.secret(), sample.at, body).expect("is signed");
        let signature = signed_as_sent.signature_headers()[0].value();
        assert!(headers.iter().all(|header| header.value() != signature), "events/{}", sample.file);
    }
}

/// Only a provider that signs a time can have a stale sample.
#[test]
fn every_provider_has_an_accepted_a_forged_and_a_stale_sample() {
    for provider in PROVIDERS {
        let samples = samples::of(provider);
        let has = |is_wanted: &dyn Fn(&Answer) -> bool| {
            samples.iter().any(|sample| is_wanted(&sample.answer))
        };
        assert!(
            has(&|answer| matches!(answer, Answer::Accepted { .. })),
            "{}: no sample is accepted",
            provider.name()
        );
        let refused = |wanted: &str| {
            has(&|answer| matches!(answer, Answer::Refused { reason } if reason == wanted))
        };
        assert!(refused("signature_mismatch"), "{}: no sample is forged", provider.name());
        let signs_time = provider.tolerance().is_some();
        assert_eq!(refused("timestamp_too_old"), signs_time, "{}: stale samples", provider.name());
    }
}

#[test]
fn every_provider_has_its_function_and_its_entry_in_the_template() {
    let template = read("infra/template.yaml");
    let mut missing = Vec::new();
    for provider in PROVIDERS.iter().map(|provider| provider.name()) {
        let main = format!("functions/{provider}/src/main.rs");
        let entry = format!("        Provider: {provider}\n");
        for (place, exists) in [
            (main.clone(), workspace().join(main).is_file()),
            (format!("infra/template.yaml: {}", entry.trim()), template.contains(&entry)),
        ] {
            if !exists {
                missing.push(place);
            }
        }
    }
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_folder_of_a_provider_belongs_to_a_listed_one() {
    let names: BTreeSet<_> = PROVIDERS.iter().map(|provider| provider.name().to_owned()).collect();
    let folders = |folder: &str| {
        let entries = entries(&workspace().join(folder)).into_iter().filter(|path| path.is_dir());
        entries.map(|path| name(&path).replace('_', "-")).collect::<BTreeSet<_>>()
    };
    assert_eq!(folders("events"), names);
    assert_eq!(folders("shared/webhook-verify/src/providers"), names);
    let others = ["example-consumer", "pre-traffic-hook"].map(str::to_owned);
    assert_eq!(folders("functions"), names.into_iter().chain(others).collect());
}

/// Returns the answer of a receiver that has the development secret, at the samples' time. It
/// remembers nothing, so the manifest decides which sample is a duplicate.
fn answer(sample: &Sample) -> Answer {
    let (headers, body) = sample.request();
    let delivery = Delivery::new(&headers, &body).expect("samples are small");
    let provider: &'static Provider = sample.sender.provider;
    let url = webhook_cli::development_url(provider);
    let verified = provider.parse(delivery).and_then(|unverified| {
        unverified.verify(&secrets(provider), SENT_AT, Tolerance::of(provider), Some(&url))
    });
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => return Answer::Refused { reason: error.reason().to_owned() },
    };
    if let Some(challenge) = verified.challenge(&secrets(provider)) {
        return Answer::Challenge {
            body: serde_json::from_str(challenge.body()).expect("an answer is JSON"),
        };
    }
    let Ok(event) = verified.event() else { return Answer::Malformed };
    let (event_type, id) = (event.event_type().to_owned(), event.id().to_owned());
    if matches!(sample.answer, Answer::Duplicate { .. }) {
        Answer::Duplicate { event_type, id }
    } else {
        Answer::Accepted { event_type, id }
    }
}

fn secrets(provider: &Provider) -> SigningSecrets {
    let text = webhook_cli::development_secret(provider);
    SigningSecrets::new(provider.key().read(&text).expect("is written as the provider does"), None)
}

fn read(file: &str) -> String {
    fs::read_to_string(workspace().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns the entries of a folder, in alphabetical order.
fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("the folder can be listed").path()).collect()
}

fn name(path: &Path) -> String {
    path.file_name().expect("an entry has a name").to_string_lossy().into_owned()
}
