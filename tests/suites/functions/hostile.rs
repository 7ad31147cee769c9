//! Hostile bodies through the real bootstrap: its CPU time and memory as the kernel counts them,
//! and messages of about SQS's limit.
//!
//! `shared/webhook-verify/tests/hostile/` measures what single bodies cost the verifier alone.

use std::{fs, path::PathBuf};

use webhook_aws::SQS_MAX_BYTES;
use webhook_tests::traffic::{Event, Kind};
use webhook_verify::MAX_BODY_BYTES;

use crate::world::{World, accepted, forged, kinds_by_body, malformed, signs_whole_body};

/// Returns the function's folder in `/proc`.
fn process(world: &World) -> PathBuf {
    PathBuf::from(format!("/proc/{}", world.function.process_id))
}

/// Returns the CPU time so far, in clock ticks: `utime` and `stime` of `proc_pid_stat(5)`.
fn cpu_ticks(process: &std::path::Path) -> u64 {
    let stat = fs::read_to_string(process.join("stat")).expect("the function runs");
    let after_name = stat.rsplit_once(')').expect("a name in parentheses").1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    [11, 12].iter().map(|index| fields[*index].parse::<u64>().expect("a number")).sum()
}

/// Returns the most memory that the process ever used, in KiB: `VmHWM` of `proc_pid_status(5)`.
fn peak_kib(process: &std::path::Path) -> u64 {
    let status = fs::read_to_string(process.join("status")).expect("the function runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Returns an object of 6 MB, whose members come from `member`.
fn object(member: impl Fn(usize) -> String) -> String {
    let mut text = String::from("{");
    for index in 0.. {
        let next = member(index);
        if text.len() + next.len() > MAX_BODY_BYTES - 300_000 {
            text.push_str("\"last\":0}");
            break;
        }
        text.push_str(&next);
        text.push(',');
    }
    text
}

/// How often each body is delivered. A single delivery takes too few ticks to compare.
const TIMES: usize = 3;

/// The most CPU time of a body, as a multiple of that of a benign one of its size.
const MOST_CPU: u64 = 8;

/// Half of the 256 MB that the template gives a function.
const MOST_KIB: u64 = 128 * 1024;

#[tokio::test]
async fn a_forged_hostile_body_of_6_mb_is_401_at_bounded_cost() {
    for kind in kinds_by_body() {
        let world = World::of(kind.provider).await;
        let process = process(&world);
        let forged = forged(&Event::new(kind, 1));
        let shuffled = |index: usize| index * 7919 % 1_000_000;
        let bodies = [
            (
                "benign",
                object(|index| {
                    format!("\"member {index}\": \"a text of some length, as they come\"")
                }),
            ),
            ("names", object(|index| format!("\"{:06}\":0", shuffled(index)))),
            (
                "escaped names",
                object(|index| format!("\"\\u0061\\u0061\\u0061{:06}\":0", shuffled(index))),
            ),
            (
                "floats between two",
                object(|index| format!("\"{index}\":2.4703282292062327208e-324")),
            ),
            ("escapes", object(|index| format!("\"{index}\":\"{}\"", "\\u00e9".repeat(50)))),
            ("brackets", "[".repeat(MAX_BODY_BYTES - 300_000)),
        ];
        let mut benign = None;
        for (name, body) in bodies {
            let body = match kind.scheme.signed_member() {
                Some(member) => format!("{{\"{member}\":{body}}}"),
                None => body,
            };
            let event = world.event(&forged, &body);
            assert_eq!(world.invoke(&event).await.0, 401, "{kind:?}: {name}");
            let before = cpu_ticks(&process);
            for _ in 0..TIMES {
                assert_eq!(world.invoke(&event).await.0, 401, "{kind:?}: {name}");
            }
            let ticks = cpu_ticks(&process) - before;
            let (benign, peak) = (*benign.get_or_insert(ticks.max(1)), peak_kib(&process));
            eprintln!(
                "{kind:?}: {name:<19} {:>5} ticks each, peak {peak} KiB",
                ticks / TIMES as u64
            );
            assert!(
                ticks <= MOST_CPU * benign,
                "{kind:?}: {name}: {ticks} ticks of CPU, a benign body {benign}"
            );
            assert!(peak <= MOST_KIB, "{kind:?}: {name}: {peak} KiB");
        }
        world.assert_nothing_written().await;
        let honest = Event::new(kind, 1);
        assert_eq!(world.deliver(&honest).await, accepted(&honest), "{kind:?}: the process lives");
    }
}

#[tokio::test]
async fn an_authentic_body_that_is_very_deep_is_malformed() {
    for kind in Kind::all().into_iter().filter(signs_whole_body) {
        let world = World::of(kind.provider).await;
        let mut deep = Event::new(kind, 1);
        deep.body = format!("{{\"a\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
        assert_eq!(world.deliver(&deep).await, malformed(), "{kind:?}");
        world.assert_nothing_written().await;
        let peak = peak_kib(&process(&world));
        assert!(peak <= MOST_KIB, "{kind:?}: {peak} KiB");
    }
}

#[tokio::test]
async fn an_authentic_body_that_is_very_wide_is_queued() {
    for kind in Kind::all() {
        let world = World::of(kind.provider).await;
        let members: Vec<String> =
            (0..100_000).map(|index| format!("\"{index}\":{index}.5")).collect();
        let wide = Event::with(kind, 1, &members.join(","));
        assert_eq!(world.deliver(&wide).await, accepted(&wide), "{kind:?}");
        assert_eq!(world.messages().await.len(), 1);
        let peak = peak_kib(&process(&world));
        assert!(peak <= MOST_KIB, "{kind:?}: {peak} KiB");
    }
}

/// `tests/suites/ports.rs` tests the limit to the byte. Here the size cannot be chosen exactly: the
/// envelope has the time, whose number of digits varies.
#[tokio::test]
async fn only_a_message_over_the_limit_goes_through_the_bucket() {
    for kind in kinds_by_body() {
        let world = World::of(kind.provider).await;
        let deliver = async |number: usize, bytes: usize| {
            let event = Event::with(kind, number, &format!("\"a\": \"{}\"", "x".repeat(bytes)));
            assert_eq!(world.deliver(&event).await, accepted(&event), "{kind:?}: {bytes} bytes");
            world.message().await
        };
        let size = |message: &aws_sdk_sqs::types::Message| {
            let attributes = message.message_attributes.iter().flatten().map(|(name, value)| {
                name.len()
                    + value.data_type.len()
                    + value.string_value.as_ref().map_or(0, String::len)
            });
            message.body.as_ref().map_or(0, String::len) + attributes.sum::<usize>()
        };
        // What surrounds the text has the same size in each, except for the time's ".123".
        let round_the_text = size(&deliver(1, 100).await) - 100;
        let message = deliver(2, SQS_MAX_BYTES - round_the_text - 4).await;
        assert!(
            message.body.as_ref().is_some_and(|body| body.starts_with("{\"specversion\"")),
            "{kind:?}"
        );
        assert!(
            (SQS_MAX_BYTES - 8..=SQS_MAX_BYTES).contains(&size(&message)),
            "{kind:?}: {}",
            size(&message)
        );
        let message = deliver(3, SQS_MAX_BYTES - round_the_text + 5).await;
        let pointer = "[\"software.amazon.payloadoffloading.PayloadS3Pointer\"";
        assert!(message.body.is_some_and(|body| body.starts_with(pointer)), "{kind:?}");
    }
}
