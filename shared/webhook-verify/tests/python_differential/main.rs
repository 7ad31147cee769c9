//! Compares the JSON functions with Python's own `json` module on random documents.
//!
//! `PYTHON_JSON_DOCUMENTS` sets how many (10,000 by default), and `PYTHON_JSON_SEED` which ones.

mod documents;

use std::io::{BufReader, BufWriter, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

use documents::documents;
use webhook_verify::json::{PythonForm, RawValue, python_form, python_form_of_member, read_object};

#[test]
fn every_document_gets_the_answers_that_python_gives() {
    let seed = number_from_environment("PYTHON_JSON_SEED", 20_210_112);
    let count = number_from_environment("PYTHON_JSON_DOCUMENTS", 10_000);
    eprintln!("PYTHON_JSON_SEED={seed} PYTHON_JSON_DOCUMENTS={count}");

    let mut python = start_python();
    let stdin = python.stdin.take().expect("stdin is piped");
    let stdout = python.stdout.take().expect("stdout is piped");
    // Python answers while it is still being asked, so one thread asks and another one reads. Both
    // generate the same documents.
    let asking = thread::spawn(move || {
        let mut stdin = BufWriter::new(stdin);
        documents(seed, count).try_for_each(|document| write_frame(&mut stdin, &document))
    });
    // `compare` drops the reader, so that Python does not wait for it after a difference.
    let compared = compare(documents(seed, count), BufReader::new(stdout));
    let asked = asking.join().expect("the asking thread does not panic");
    let status = python.wait().expect("python3 can be waited for");

    let tally = compared.unwrap_or_else(|difference| panic!("{difference}"));
    asked.expect("python3 takes every document");
    assert!(status.success(), "python3 ended with {status}");
    for (question, accepted) in QUESTIONS.iter().zip(tally) {
        eprintln!("{question}: {accepted} of {count} accepted");
    }
    let [default, compact, payload, object, id, payload_id] = tally;
    assert!(
        default > count / 2 && default < count * 9 / 10,
        "{default} of {count} documents have a default form"
    );
    assert!(
        compact > count / 2 && compact < default,
        "{compact} of {count} documents have a compact form"
    );
    assert!(
        object > count / 2 && object < count * 9 / 10,
        "{object} of {count} documents are objects"
    );
    for found in [payload, id, payload_id] {
        assert!(
            found > count / 100 && found < count / 2,
            "{found} of {count} documents have the member"
        );
    }
}

/// The questions about each document. An answer is bytes, or `None`.
const QUESTIONS: [&str; 6] = [
    "default form",
    "compact form",
    "compact form of `payload`",
    "object by RFC 8259 (no bytes)",
    "text of `id`",
    "text of `payload.id`",
];

type Answers = [Option<Vec<u8>>; QUESTIONS.len()];

/// Returns the answers under test.
fn answers(document: &[u8]) -> Answers {
    let whole = |form| python_form(document, form).ok();
    let payload = python_form_of_member(document, "payload", PythonForm::Compact).ok();
    let object = read_object(document, [&["id"], &["payload", "id"]]).ok();
    let text = |value: Option<RawValue>| value?.text().map(|text| text.into_owned().into_bytes());
    let [id, payload_id] = object.unwrap_or_default().map(text);
    [
        whole(PythonForm::Default),
        whole(PythonForm::Compact),
        payload,
        object.map(|_| Vec::new()),
        id,
        payload_id,
    ]
}

/// A program in Python that gives the same answers.
const ORACLE: &str = include_str!("oracle.py");

fn start_python() -> Child {
    // `-I` isolates it from the environment.
    Command::new("python3")
        .args(["-I", "-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("this test compares with Python 3.11 or later: install it as python3 ({error})")
        })
}

/// Counts, for each question, the documents that have an answer, or returns the first difference.
fn compare(
    documents: impl Iterator<Item = Vec<u8>>,
    mut python: impl Read,
) -> Result<[u64; QUESTIONS.len()], String> {
    let mut tally = [0; QUESTIONS.len()];
    for (index, document) in documents.enumerate() {
        for ((question, answer), count) in QUESTIONS.iter().zip(answers(&document)).zip(&mut tally)
        {
            let expected = read_frame(&mut python)
                .map_err(|error| format!("python3 stopped answering: {error}"))?;
            if answer != expected {
                let shown = |answer: Option<Vec<u8>>| {
                    answer.map_or("none".to_owned(), |it| it.escape_ascii().to_string())
                };
                return Err(format!(
                    "document {index}, {question}\ndocument: {}\npython3:  {}\nhere:     {}",
                    document.escape_ascii(),
                    shown(expected),
                    shown(answer),
                ));
            }
            *count += u64::from(answer.is_some());
        }
    }
    Ok(tally)
}

fn write_frame(writer: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(bytes.len()).expect("documents are small");
    writer.write_all(&length.to_be_bytes())?;
    writer.write_all(bytes)
}

fn read_frame(reader: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length == u32::MAX {
        return Ok(None);
    }
    let mut bytes = vec![0; length as usize];
    reader.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

fn number_from_environment(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")),
        Err(_) => default,
    }
}
