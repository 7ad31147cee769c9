//! The report of a run, as Markdown.

use std::fmt::Write as _;

use crate::{
    cold::{self, Start},
    cost, glance,
    goals::{self, goals},
    kernels::Kernels,
    results::{INSTANCES, LATENCIES, MEMORY_AFTER, Measurements, Results},
    stats::{Spread, percentile},
    subjects::Kind,
};

/// The chart's file, from the repository's root, where the report is.
pub const CHART: &str = "tests/bench/speed.svg";

/// Returns the report without its head.
#[must_use]
pub fn text(results: &Results) -> String {
    let sections = [
        glance(results),
        section("Goals", "", &goals::COLUMNS, goals(results)),
        cold(results),
        footprint(results),
        warm(results),
        throughput(results),
        costs(results),
        kernels(&results.kernels),
    ];
    sections.concat()
}

fn glance(results: &Results) -> String {
    let columns = glance::columns();
    section(
        "At a glance",
        &format!(
            "Medians, and in brackets the ratio to this function. Less is better.\n\n\
             ![The first three figures as bars]({CHART})"
        ),
        &columns.iter().map(String::as_str).collect::<Vec<_>>(),
        glance::rows(results),
    )
}

fn section(title: &str, note: &str, columns: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## {title}\n\n");
    if !note.is_empty() {
        let _ = writeln!(text, "{note}\n");
    }
    let _ = writeln!(text, "| {} |", columns.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(columns.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// Returns a figure of a cold start, and its ratio to ours.
fn figure(results: &Results, function: &Measurements, of: fn(&Start) -> f64) -> [String; 2] {
    let ratio = cold::ratio(&function.starts, &results.functions[0].starts, of);
    [format!("{:.2}", Spread::of(function.of_starts(of)).median), times(ratio, function)]
}

fn times(ratio: Spread, function: &Measurements) -> String {
    if function.subject.name == "ours" { "1".to_owned() } else { ratio.text(2) }
}

fn cold(results: &Results) -> String {
    let rows = results.functions.iter().map(|function| {
        let mut row = vec![function.subject.label.to_owned()];
        for of in cold::COMPARED {
            row.extend(figure(results, function, of));
        }
        row.push(format!("{:.2}", Spread::of(function.of_starts(|start| start.invoke_ms)).median));
        row
    });
    section(
        "Cold start",
        "Times from the start of the process. At `/next` it asks for its first event, which it gets at once; all but hello have \
         fetched the secret by then. × is the ratio to this function.",
        &[
            "",
            "to `/next`, ms",
            "×",
            "to first answer, ms",
            "×",
            "processor time, ms",
            "×",
            "first invocation alone, ms",
        ],
        rows.collect(),
    )
}

fn footprint(results: &Results) -> String {
    let rows = results.functions.iter().map(|function| {
        let resident = |of: fn(&Start) -> u64| {
            let kib = Spread::of(function.of_starts(|start| of(start) as f64)).median;
            format!("{:.1}", kib * 1024.0 / 1e6)
        };
        let millions = |count: Option<u64>| {
            count.map_or("–".to_owned(), |count| format!("{:.2}", count as f64 / 1e6))
        };
        vec![
            function.subject.label.to_owned(),
            resident(|start| start.memory_at_next.resident_kib),
            resident(|start| start.memory_after_first.resident_kib),
            resident(|start| start.memory_after_first.peak_kib),
            format!(
                "{:.0}",
                Spread::of(function.of_starts(|start| start.page_faults as f64)).median
            ),
            millions(function.sizes.map(|sizes| sizes.binary)),
            millions(function.sizes.map(|sizes| sizes.zip)),
            millions(function.counts.map(|counts| counts.to_next)),
            millions(function.counts.map(|counts| counts.first_invoke)),
            millions(function.counts.map(|counts| counts.warm)),
        ]
    });
    section(
        "Memory, size, instructions",
        "Resident memory in MB; page faults until after the first answer. Instructions in millions, counted by cachegrind, \
         which runs SHA in software; the first invocation and the warm one are accepted deliveries.",
        &[
            "",
            "at `/next`",
            "after first answer",
            "peak",
            "page faults",
            "binary, MB",
            "zip, MB",
            "instructions to `/next`",
            "of the first invocation",
            "of a warm one",
        ],
        rows.collect(),
    )
}

fn warm(results: &Results) -> String {
    let mut text = String::new();
    for (index, latency) in LATENCIES.iter().enumerate() {
        let mut rows = Vec::new();
        for function in &results.functions {
            let (Some(theirs), Some(ours)) = (&function.warm, &results.functions[0].warm) else {
                continue;
            };
            for (kind, (theirs, ours)) in
                Kind::ALL.iter().zip(theirs[index].iter().zip(&ours[index]))
            {
                let [time, cpu] = theirs.ratios(ours).map(|ratio| times(ratio, function));
                rows.push(vec![
                    function.subject.label.to_owned(),
                    kind.label().to_owned(),
                    format!("{:.3}", percentile(theirs.took_ms.iter().copied(), 50)),
                    time,
                    format!("{:.3}", percentile(theirs.took_ms.iter().copied(), 99)),
                    format!("{:.0}", Spread::of(theirs.cpu_us.iter().copied()).median),
                    cpu,
                    theirs.calls.to_string(),
                ]);
            }
        }
        text += &section(
            &format!("Warm, services that answer in {} ms", latency.as_millis()),
            if index == 0 {
                "Each answer and the calls to AWS are checked. × is the ratio to this function."
            } else {
                ""
            },
            &["", "delivery", "p50, ms", "×", "p99, ms", "processor time, µs", "×", "calls"],
            rows,
        );
    }
    text
}

fn throughput(results: &Results) -> String {
    let mut columns = vec![String::new()];
    for latency in LATENCIES {
        for instances in INSTANCES {
            let plural = if instances == 1 { "" } else { "s" };
            columns.push(format!("{instances} instance{plural}, {} ms", latency.as_millis()));
        }
    }
    let rows = results.functions.iter().filter_map(|function| {
        let cells =
            function.throughput?.into_iter().flatten().map(|per_second| format!("{per_second:.0}"));
        Some([function.subject.label.to_owned()].into_iter().chain(cells).collect())
    });
    let [first, last] = results.endurance.resident_kib.map(|kib| kib as f64 * 1024.0 / 1e6);
    let note = format!(
        "Accepted deliveries per second; the instances share one core. Resident memory of this function: {first:.2} MB after {} \
         deliveries, {last:.2} MB after {}. {:.0} % of their processor time is spent in the kernel.",
        MEMORY_AFTER[0],
        MEMORY_AFTER[1],
        results.endurance.kernel_share * 100.0
    );
    section(
        "Throughput",
        &note,
        &columns.iter().map(String::as_str).collect::<Vec<_>>(),
        rows.collect(),
    )
}

fn costs(results: &Results) -> String {
    let rows = results.functions.iter().filter_map(|function| {
        let cost = function.cost?;
        Some(vec![
            function.subject.label.to_owned(),
            format!("{:.2}", cost.billed_ms),
            format!("{:.3}", cost.lambda_time),
            format!("{:.2}", cost.events),
        ])
    });
    section(
        "Cost of a million events",
        &cost::assumptions(),
        &["", "billed, ms", "Lambda's time and memory, $", "with API, table, queue and logs, $"],
        rows.collect(),
    )
}

/// Returns the tables of verification alone.
#[must_use]
pub fn kernels(kernels: &Kernels) -> String {
    let dash = || "–".to_owned();
    let beside_mac = kernels.beside_mac.iter().map(|row| {
        vec![
            row.size.0.to_owned(),
            row.kernel.to_owned(),
            format!("{:.0}", row.mb_per_s.median),
            row.of_mac.text(3),
            row.of_before.map_or_else(dash, |spread| spread.text(2)),
        ]
    });
    let beside_peers = kernels.beside_peers.iter().map(|row| {
        let speed = |index: usize| {
            row.mb_per_s.get(index).map_or_else(dash, |spread| format!("{:.0}", spread.median))
        };
        let times = |index: usize| row.times.get(index).map_or_else(dash, |spread| spread.text(1));
        vec![
            row.size.0.to_owned(),
            row.spelling.to_owned(),
            speed(0),
            speed(1),
            speed(2),
            times(0),
            times(1),
        ]
    });
    let heap = kernels
        .heap
        .iter()
        .map(|row| vec![row.size.0.to_owned(), row.forged.to_string(), row.accepted.to_string()]);
    [
        section(
            "Verification beside the bare MAC of the same bytes",
            "Speed of verification, and the same divided by the speed of the bare MAC: 1 is the limit. × before: against the code \
             before verification built its text in memory (`tests/bench/src/kernels/before.rs`).",
            &["body", "kernel", "MB/s", "÷ bare MAC", "× before"],
            beside_mac.collect(),
        ),
        section(
            "Re-serialising beside Python and Node",
            "Pinwheel v1: parse, write as Python's compact form, HMAC-SHA256. Python: `json.loads`, `json.dumps`, `hmac`; Node: \
             `JSON.parse`, `JSON.stringify`, `crypto`. The tags are checked to be equal. MB/s of body, and how many times faster \
             this function is.",
            &["body", "spelling", "ours", "Python", "Node", "× Python", "× Node"],
            beside_peers.collect(),
        ),
        section(
            "Heap of re-serialising",
            "Peak bytes that verification of Pinwheel v1 takes beside the body; if it is accepted, without the text for the queue.",
            &["body", "forged", "accepted"],
            heap.collect(),
        ),
    ]
    .concat()
}
