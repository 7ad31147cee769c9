//! What a reader looks for first: one table and one chart of the functions that receive webhooks.

use std::fmt::Write as _;

use crate::{
    results::{Measurements, Results},
    stats::Spread,
    subjects::Job,
};

/// A figure of a function. The smaller it is, the better.
struct Figure {
    title: &'static str,
    unit: &'static str,
    decimals: usize,
    /// Returns the values, one for each round if there are rounds.
    of: fn(&Measurements) -> Vec<f64>,
}

/// The figures of the table. The chart has the first [`CHARTED`] of them.
const FIGURES: [Figure; 5] = [
    Figure {
        title: "first answer after a cold start",
        unit: "ms",
        decimals: 1,
        of: |function| function.of_starts(|start| start.answer_ms),
    },
    Figure {
        title: "processor time of an accepted delivery",
        unit: "ms",
        decimals: 2,
        of: |function| {
            let warm = function.warm.iter();
            warm.flat_map(|by_latency| &by_latency[0][0].cpu_us).map(|us| us / 1000.0).collect()
        },
    },
    Figure {
        title: "memory after the first answer",
        unit: "MB",
        decimals: 1,
        of: |function| {
            function.of_starts(|start| start.memory_after_first.resident_kib as f64 * 1024.0 / 1e6)
        },
    },
    Figure {
        title: "archive",
        unit: "MB",
        decimals: 1,
        of: |function| function.sizes.iter().map(|sizes| sizes.zip as f64 / 1e6).collect(),
    },
    Figure {
        title: "Lambda's time and memory, a million events",
        unit: "$",
        decimals: 2,
        of: |function| function.cost.iter().map(|cost| cost.lambda_time).collect(),
    },
];
/// Number of figures in the chart.
const CHARTED: usize = 3;

fn receivers(results: &Results) -> Vec<&Measurements> {
    results.functions.iter().filter(|function| function.subject.job == Job::Webhook).collect()
}

/// Returns the titles of the table's columns.
#[must_use]
pub fn columns() -> Vec<String> {
    let figures = FIGURES.iter().map(|figure| format!("{}, {}", figure.title, figure.unit));
    [String::new()].into_iter().chain(figures).collect()
}

/// Returns the rows of the table: medians, and in brackets the ratio to this function.
#[must_use]
pub fn rows(results: &Results) -> Vec<Vec<String>> {
    let functions = receivers(results);
    let cell = |figure: &Figure, function: &Measurements| {
        cell(figure.decimals, &(figure.of)(function), &(figure.of)(functions[0]))
    };
    let row = |function: &&Measurements| {
        let cells = FIGURES.iter().map(|figure| cell(figure, function));
        [function.subject.label.to_owned()].into_iter().chain(cells).collect()
    };
    functions.iter().map(row).collect()
}

fn cell(decimals: usize, theirs: &[f64], ours: &[f64]) -> String {
    let median = Spread::of(theirs.iter().copied()).median;
    if median.is_nan() {
        return "–".to_owned();
    }
    let ratio = Spread::of_ratios(theirs, ours);
    let mark = if ratio.count > 1 && ratio.is_too_wide() { "~" } else { "" };
    let times = if theirs == ours {
        String::new()
    } else {
        format!(" ({mark}{:.*} ×)", usize::from(ratio.median < 10.0), ratio.median)
    };
    format!("{median:.decimals$}{times}")
}

/// Widths and heights of the chart, in pixels.
const WIDTH: f64 = 760.0;
const BAR_LEFT: f64 = 190.0;
const BAR_RIGHT: f64 = 660.0;
const BAR_HEIGHT: f64 = 16.0;
const ROW: f64 = 24.0;
const GROUP_TITLE: f64 = 34.0;

/// Returns the chart as SVG: a bar for each function, whose length is the figure's median.
#[must_use]
pub fn chart(results: &Results) -> String {
    let functions = receivers(results);
    let groups: Vec<Group> = FIGURES[..CHARTED]
        .iter()
        .map(|figure| Group {
            title: format!("{}, {}", figure.title, figure.unit),
            decimals: figure.decimals,
            bars: functions
                .iter()
                .map(|function| (function.subject.label, Spread::of((figure.of)(function)).median))
                .filter(|bar| !bar.1.is_nan())
                .collect(),
        })
        .collect();
    svg(&groups)
}

struct Group {
    title: String,
    decimals: usize,
    /// Labels and lengths, ours first.
    bars: Vec<(&'static str, f64)>,
}

fn svg(groups: &[Group]) -> String {
    let mut body = String::new();
    let mut top = 0.0;
    for Group { title, decimals, bars } in groups {
        let _ = writeln!(
            body,
            "  <text class=\"title\" x=\"10\" y=\"{:.0}\">{title}</text>",
            top + 22.0
        );
        top += GROUP_TITLE;
        let longest = bars.iter().map(|bar| bar.1).fold(f64::MIN_POSITIVE, f64::max);
        for (index, (label, value)) in bars.iter().enumerate() {
            let class = if index == 0 { "ours" } else { "peer" };
            let width = (BAR_RIGHT - BAR_LEFT) * value / longest;
            let (base, end) = (top + 13.0, BAR_LEFT + width + 8.0);
            let _ = writeln!(
                body,
                "  <text x=\"{:.0}\" y=\"{base:.0}\" text-anchor=\"end\">{label}</text>\n  \
                   <rect class=\"{class}\" x=\"{BAR_LEFT}\" y=\"{top:.0}\" width=\"{width:.1}\" \
                   height=\"{BAR_HEIGHT}\" rx=\"2\"/>\n  \
                   <text x=\"{end:.1}\" y=\"{base:.0}\">{value:.decimals$}</text>",
                BAR_LEFT - 10.0
            );
            top += ROW;
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" \
         aria-labelledby=\"title\" font-family=\"ui-sans-serif, system-ui, sans-serif\" \
         font-size=\"13\">\n{STYLE}{body}</svg>\n",
        top + 10.0
    )
}

const STYLE: &str = r#"  <title id="title">This function beside its peers: shorter is better</title>
  <style>
    text { fill: #1f2328 }
    .title { font-weight: 600 }
    .ours { fill: #2f6feb }
    .peer { fill: #8c959f }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .ours { fill: #58a6ff }
      .peer { fill: #6e7681 }
    }
  </style>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_median_and_the_paired_ratio_to_ours() {
        assert_eq!(cell(1, &[2.0; 9], &[2.0; 9]), "2.0");
        assert_eq!(cell(1, &[16.0; 9], &[2.0; 9]), "16.0 (8.0 ×)");
        assert_eq!(cell(0, &[154.0; 9], &[2.0; 9]), "154 (77 ×)");
    }

    #[test]
    fn a_ratio_of_rounds_that_is_too_wide_is_marked() {
        let theirs = [8.0, 8.0, 9.0, 10.0, 10.0, 10.0, 12.0, 14.0, 14.0];
        assert_eq!(cell(1, &theirs, &[2.0; 9]), "10.0 (~5.0 ×)");
    }

    #[test]
    fn a_figure_of_one_value_is_not_marked_as_too_wide() {
        assert_eq!(cell(1, &[6.0], &[4.0]), "6.0 (1.5 ×)");
    }

    #[test]
    fn a_figure_without_values_is_a_dash() {
        assert_eq!(cell(1, &[], &[4.0]), "–");
    }

    #[test]
    fn the_longest_bar_fills_the_chart() {
        let bars = vec![("this function", 5.0), ("Python", 20.0)];
        let chart = svg(&[Group { title: "start, ms".to_owned(), decimals: 1, bars }]);
        let rects: Vec<&str> = chart.lines().filter(|line| line.contains("<rect")).collect();
        assert_eq!(
            rects,
            [
                r#"  <rect class="ours" x="190" y="34" width="117.5" height="16" rx="2"/>"#,
                r#"  <rect class="peer" x="190" y="58" width="470.0" height="16" rx="2"/>"#,
            ]
        );
        assert!(chart.contains(">5.0</text>") && chart.contains(">20.0</text>"));
    }
}
