//! What a hostile body of 6 MiB costs, beside a benign one of the same size, before its sender is known: time and heap.
//!
//! `cargo test --package webhook-verify --test hostile -- --nocapture` shows the figures.
//!
//! Machines differ, and so do minutes: time is the thread's own on a CPU, bodies are measured in turn, round after round,
//! and of each the quickest round counts.

#![forbid(unsafe_code)]

use std::{
    fmt::Write as _,
    hint::black_box,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cpu_time::ThreadTime;
use peak_alloc::PeakAlloc;
use webhook_verify::{
    Delivery, Header, MAX_BODY_BYTES, Provider, SigningSecret, SigningSecrets, Tolerance, UnixSeconds, VerifyError,
    json::read_object,
    providers::{Endgrate, Pinwheel},
    sign,
};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The allocator counts for the whole process, so one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

/// Rounds of each body, of which the quickest counts.
const ROUNDS: usize = 2;

/// Beside a benign body of the same size, no body may take longer than so many times.
const SLOWEST: f64 = 60.0;

/// A vector grows by doubling, and while it moves the old one and the new one are there: three times what it holds at most.
const GROWING: usize = 3;
/// Names of the objects that are open at once are kept in 8 bytes each.
const HEAP_PER_NAME: usize = GROWING * 8;
/// What does not grow with the body.
const HEAP_FOR_THE_REST: usize = 4096;

struct Body {
    name: &'static str,
    text: String,
    /// Most members of the objects that are open at once.
    names: usize,
}

/// An object of almost the largest size that is looked at, its members filled in by `member`, as many as have room.
fn filled(name: &'static str, mut member: impl FnMut(usize) -> String) -> Body {
    let mut text = String::from("{\"payload\":{");
    let mut names = 1;
    loop {
        let comma = if names == 1 { "" } else { "," };
        let next = member(names - 1);
        if text.len() + comma.len() + next.len() + 2 > MAX_BODY_BYTES {
            break;
        }
        text.push_str(comma);
        text.push_str(&next);
        names += 1;
    }
    text.push_str("}}");
    Body { name, text, names }
}

/// An array of one value, as often as there is room.
fn array_of(name: &'static str, value: &str) -> Body {
    let count = (MAX_BODY_BYTES - 16) / (value.len() + 1);
    let mut values = format!("{value},").repeat(count);
    values.pop();
    Body { name, text: format!("{{\"payload\":[{values}]}}"), names: 1 }
}

fn raw(name: &'static str, text: String) -> Body {
    Body { name, text, names: 1 }
}

/// Has no common divisor with a million: so names come in no order, and none comes twice.
const STEP: usize = 7919;

/// A body as a provider sends it: texts, numbers, some escapes.
fn benign() -> Body {
    let row = r#"{"id": "6566e87b7cf2", "name": "Zo\u00eb", "amount": 12.5, "active": true, "note": null}"#;
    array_of("benign", row)
}

fn hostile() -> Vec<Body> {
    let digits = |index: usize| format!("{:06}", index * STEP % 1_000_000);
    let escaped = |text: &str| {
        text.bytes().fold(String::new(), |mut all, digit| {
            // Writing into a string cannot fail.
            let _ = write!(all, "\\u{digit:04x}");
            all
        })
    };
    let prefix = "a prefix that all names share, and that a comparison has to go through ".repeat(4);
    let mut bodies = vec![
        filled("100,000 names and more", |index| format!("\"{}\":0", digits(index))),
        filled("names with a long prefix", |index| format!("\"{prefix}{}\":0", digits(index))),
        filled("names that are all escapes", |index| format!("\"{}\":0", escaped(&digits(index)))),
        filled("escaped names, long prefix", |index| format!("\"{}{}\":0", escaped(&prefix), digits(index))),
        filled("almost equal spellings", |index| {
            let digits = digits(index);
            let (plain, spelled) = digits.split_at(index % 6);
            format!("\"{plain}{}\":0", escaped(spelled))
        }),
        array_of(
            "objects of 32 names",
            &format!(
                "{{{}}}",
                (0..32).map(|index| format!("\"{prefix:.60}{index:02}\":0")).collect::<Vec<_>>().join(",")
            ),
        ),
        array_of("empty arrays", "[]"),
        array_of("arrays 120 deep", &("[".repeat(120) + &"]".repeat(120))),
        array_of("floats to respell", "1e1"),
        array_of("floats between two", "2.4703282292062327208e-324"),
        array_of("floats between two, large", "8.98846567431157953865e307"),
        array_of("floats of 1,000 digits", &format!("1.{}", "0123456789".repeat(100))),
        array_of("exponents of 1,000 digits", &format!("0.{}1e{}1", "0".repeat(400), "0".repeat(1000))),
        array_of("integers of 4,300 digits", &"7".repeat(4300)),
        array_of("escapes to undo", "\"\\u0041\\u0042\""),
        array_of("characters to escape", "\"é\u{7f}é\u{7f}\""),
        raw("what grows sixfold", format!("{{\"payload\":\"{}\"}}", "\u{7f}".repeat(MAX_BODY_BYTES - 14))),
        raw("one text of escapes", format!("{{\"payload\":\"{}\"}}", "\\u0041".repeat(1_048_000))),
        raw("nothing but space", format!("{{\"payload\":{}1}}", " ".repeat(MAX_BODY_BYTES - 13))),
        raw("nesting 1,000 deep", format!("{{\"payload\":{}{}}}", "[".repeat(1000), "]".repeat(1000))),
        raw("6 million brackets", "[".repeat(MAX_BODY_BYTES)),
        raw("a text without end", format!("{{\"payload\":\"{}", "a".repeat(MAX_BODY_BYTES - 12))),
        raw("an integer without end", format!("{{\"payload\":{}", "7".repeat(MAX_BODY_BYTES - 11))),
        raw("a float without end", format!("{{\"payload\":0.{}", "7".repeat(MAX_BODY_BYTES - 13))),
    ];
    // As many as are read, before the next one is too many.
    let between = "2.4703282292062327208e-324,".repeat(1000);
    let texts = "\"a text\",".repeat(600_000);
    bodies.push(raw("1,000 floats between two", format!("{{\"payload\":[{between}{texts}0]}}")));
    // 100 objects within one another, each with as many names as have room.
    let level = (0..1000).fold(String::new(), |mut names, index| {
        let _ = write!(names, "\"{}\":0,", escaped(&digits(index)));
        names
    });
    let nested = format!("{{{level}\"payload\":").repeat(100) + "1" + &"}".repeat(100);
    bodies.push(Body { name: "100 open objects", text: nested, names: 100 * 1001 });
    bodies
}

/// One: a previous secret doubles the cost of every forgery, and changes no ratio.
fn secrets() -> SigningSecrets {
    SigningSecrets::new(SigningSecret::new(b"current".to_vec()).expect("not empty"), None)
}

/// What is done with a body.
type Check<'c> = (&'static str, &'c dyn Fn(&str));

/// The signature of somebody who does not know the secret.
fn forged() -> [Vec<Header>; 2] {
    let secret = SigningSecret::new(b"guessed".to_vec()).expect("not empty");
    let v1 = sign::pinwheel_v1(&secret, NOW, b"{\"payload\":0}").expect("has a payload");
    [v1.into(), sign::endgrate(&secret, b"{}").into()]
}

fn refused<P: Provider>(provider: &P, headers: &[Header], body: &str, secrets: &SigningSecrets) {
    let delivery = Delivery::new(headers, black_box(body.as_bytes())).expect("small enough");
    let unverified = provider.parse(delivery).expect("well formed");
    match provider.verify(&unverified, secrets, NOW, Tolerance::default()) {
        Err(VerifyError::SignatureMismatch | VerifyError::NoSignedText(_)) => {}
        other => panic!("a forgery: {other:?}"),
    }
}

/// Runs it, and gives the time on a CPU and the most heap that it took.
fn cost(run: impl FnOnce()) -> (Duration, usize) {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let started_at = ThreadTime::now();
    run();
    (started_at.elapsed(), HEAP.peak_usage() - before)
}

#[test]
fn a_forged_body_costs_a_bounded_multiple_of_a_benign_one_and_heap_for_its_open_names_alone() {
    let _alone = alone();
    let (secrets, [v1, endgrate]) = (secrets(), forged());
    let bodies: Vec<Body> = std::iter::once(benign()).chain(hostile()).collect();
    let checks: [Check<'_>; 3] = [
        ("Pinwheel v1", &|body| refused(&Pinwheel, &v1, body, &secrets)),
        ("Endgrate", &|body| refused(&Endgrate, &endgrate, body, &secrets)),
        ("members", &|body| {
            let _ = black_box(read_object(black_box(body.as_bytes()), [&["payload", "id"]]));
        }),
    ];
    for (check, run) in checks {
        let mut quickest = vec![Duration::MAX; bodies.len()];
        let mut most = vec![0; bodies.len()];
        for _ in 0..ROUNDS {
            for (index, body) in bodies.iter().enumerate() {
                let (time, heap) = cost(|| run(&body.text));
                quickest[index] = quickest[index].min(time);
                most[index] = most[index].max(heap);
            }
        }
        for (index, body) in bodies.iter().enumerate() {
            let ratio = quickest[index].as_secs_f64() / quickest[0].as_secs_f64();
            eprintln!(
                "{check:<12} {:<27} {:>8} names {:>9.1?} {ratio:>6.2} × benign, heap {:>8} bytes",
                body.name, body.names, quickest[index], most[index]
            );
        }
        for (index, body) in bodies.iter().enumerate() {
            let ratio = quickest[index].as_secs_f64() / quickest[0].as_secs_f64();
            assert!(ratio < SLOWEST, "{check}, {}: {ratio:.1} times a benign body", body.name);
            let kept = if check == "members" { 0 } else { HEAP_PER_NAME * body.names };
            let most_allowed = kept + HEAP_FOR_THE_REST;
            assert!(most[index] <= most_allowed, "{check}, {}: {} bytes of heap", body.name, most[index]);
        }
    }
}
