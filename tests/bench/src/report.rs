//! A run as Markdown.

use std::fmt::Write as _;

use crate::{
    cold::Start,
    cost,
    goals::goals,
    results::{INSTANCES, LATENCIES, MEMORY_AFTER, Measurements, Results},
    stats::{Spread, percentile},
    subjects::Kind,
};

/// The report, without its head.
#[must_use]
pub fn text(results: &Results) -> String {
    let sections = [
        section("Goals", "", &["goal", "must", "race for", "measured", "holds"], goals(results)),
        cold(results),
        footprint(results),
        warm(results),
        throughput(results),
        costs(results),
        kernels(results),
    ];
    sections.concat()
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

/// A figure of each cold start, and how many times ours it is.
fn figure(results: &Results, function: &Measurements, of: fn(&Start) -> f64) -> [String; 2] {
    let (theirs, ours) = (function.of_starts(of), results.functions[0].of_starts(of));
    [
        format!("{:.2}", Spread::of(theirs.iter().copied()).median),
        times(&theirs, &ours, function.subject.name == "ours"),
    ]
}

fn times(theirs: &[f64], ours: &[f64], are_ours: bool) -> String {
    if are_ours { "1".to_owned() } else { Spread::of_ratios(theirs, ours).text(2) }
}

fn cold(results: &Results) -> String {
    let rows = results.functions.iter().map(|function| {
        let mut row = vec![function.subject.label.to_owned()];
        for of in [|start: &Start| start.next_ms, |start: &Start| start.answer_ms, |start: &Start| start.cpu_ms] {
            row.extend(figure(results, function, of));
        }
        row.push(format!("{:.2}", Spread::of(function.of_starts(|start| start.invoke_ms)).median));
        row
    });
    section(
        "Cold start",
        "From the start of the process. `/next`: it asks for its first event, which it then gets at once; by then all but hello \
         have fetched the secret. × is the ratio to this function within a round: median, least and most.",
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
        let millions =
            |count: Option<u64>| count.map_or("–".to_owned(), |count| format!("{:.2}", count as f64 / 1e6));
        vec![
            function.subject.label.to_owned(),
            resident(|start| start.memory_at_next.resident_kib),
            resident(|start| start.memory_after_first.resident_kib),
            resident(|start| start.memory_after_first.peak_kib),
            format!("{:.0}", Spread::of(function.of_starts(|start| start.page_faults as f64)).median),
            millions(function.sizes.map(|sizes| sizes.binary)),
            millions(function.sizes.map(|sizes| sizes.zip)),
            millions(function.counts.map(|counts| counts.to_next)),
            millions(function.counts.map(|counts| counts.first_invoke)),
            millions(function.counts.map(|counts| counts.warm)),
        ]
    });
    section(
        "Memory, size, instructions",
        "Resident memory in MB; page faults until after the first answer. Instructions in millions, by cachegrind, which runs SHA in software; the first invocation and a \
         warm one are accepted deliveries.",
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
            let (Some(theirs), Some(ours)) = (&function.warm, &results.functions[0].warm) else { continue };
            for (kind, (theirs, ours)) in Kind::ALL.iter().zip(theirs[index].iter().zip(&ours[index])) {
                let is_ours = function.subject.name == "ours";
                rows.push(vec![
                    function.subject.label.to_owned(),
                    kind.label().to_owned(),
                    format!("{:.3}", percentile(theirs.took_ms.iter().copied(), 50)),
                    times(&theirs.median_ms, &ours.median_ms, is_ours),
                    format!("{:.3}", percentile(theirs.took_ms.iter().copied(), 99)),
                    format!("{:.0}", Spread::of(theirs.cpu_us.iter().copied()).median),
                    times(&theirs.cpu_us, &ours.cpu_us, is_ours),
                    theirs.calls.to_string(),
                ]);
            }
        }
        text += &section(
            &format!("Warm, services that answer in {} ms", latency.as_millis()),
            if index == 0 { "Calls to AWS are asserted, each answer is checked." } else { "" },
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
        let cells = function.throughput?.into_iter().flatten().map(|per_second| format!("{per_second:.0}"));
        Some([function.subject.label.to_owned()].into_iter().chain(cells).collect())
    });
    let [first, last] = results.endurance.resident_kib.map(|kib| kib as f64 * 1024.0 / 1e6);
    let note = format!(
        "Accepted deliveries in a second; the instances share one core. Resident memory of this function: {first:.2} MB after {} \
         deliveries, {last:.2} MB after {}, of whose processor time {:.0} % is the kernel's.",
        MEMORY_AFTER[0],
        MEMORY_AFTER[1],
        results.endurance.kernel_share * 100.0
    );
    section("Throughput", &note, &columns.iter().map(String::as_str).collect::<Vec<_>>(), rows.collect())
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

fn kernels(results: &Results) -> String {
    let Some(kernels) = &results.kernels else { return String::new() };
    let beside_mac = kernels.beside_mac.iter().map(|row| {
        vec![row.size.0.to_owned(), row.kernel.to_owned(), format!("{:.0}", row.mb_per_s.median), row.of_mac.text(2)]
    });
    let beside_peers = kernels.beside_peers.iter().map(|row| {
        let node =
            |spreads: &[Spread], digits: usize| spreads.last().map_or("–".to_owned(), |spread| spread.text(digits));
        let speeds: Vec<String> = row.mb_per_s.iter().map(|spread| format!("{:.0}", spread.median)).collect();
        let python = row.times.first().map_or("–".to_owned(), |spread| spread.text(1));
        let with_node = row.times.len() > 1;
        vec![
            row.size.0.to_owned(),
            row.spelling.to_owned(),
            speeds[0].clone(),
            speeds.get(1).cloned().unwrap_or_default(),
            if with_node { speeds[2].clone() } else { "–".to_owned() },
            python,
            if with_node { node(&row.times, 1) } else { "–".to_owned() },
        ]
    });
    let heap =
        kernels.heap.iter().map(|row| vec![row.size.0.to_owned(), row.forged.to_string(), row.accepted.to_string()]);
    [
        section(
            "Verification beside the bare MAC of the same bytes",
            "1 would be the limit. Re-serialised: one pass that hands each piece to the MAC. The text for the queue is made after \
             that, of an authentic delivery alone: one pass more.",
            &["body", "kernel", "MB/s", "of the bare MAC"],
            beside_mac.collect(),
        ),
        section(
            "Re-serialising beside Python and Node",
            "Pinwheel v1: parse, spell as Python's compact form, HMAC-SHA256. Python: `json.loads`, `json.dumps`, `hmac`; Node: \
             `JSON.parse`, `JSON.stringify`, `crypto`. All three come to the same tag, which is checked. MB/s of body, and how \
             many times faster this function is.",
            &["body", "spelling", "ours", "Python", "Node", "× Python", "× Node"],
            beside_peers.collect(),
        ),
        section(
            "Heap of re-serialising",
            "Bytes at the most beside the body, verification of Pinwheel v1; where it is accepted, beside the text that is queued.",
            &["body", "forged", "accepted"],
            heap.collect(),
        ),
    ]
    .concat()
}
