//! What the doctor found: one line for each check, or one JSON object.

use std::io::{self, Write};

use serde::Serialize;
use webhook_ingest::CallError;

use crate::{exit_status::ExitStatus, terminal::printable};

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Ok,
    /// It works, but an operator should know.
    Warning,
    /// There is nothing to check here.
    Skipped,
    /// A call failed, so the answer is not known.
    Unknown,
    Wrong,
}

/// What one check found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// The check's name, which does not change.
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
    /// What was found where, and what to do if it is wrong.
    pub(crate) text: String,
}

pub(crate) fn ok(check: &'static str, text: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Ok, text: text.into() }
}

pub(crate) fn warning(check: &'static str, text: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Warning, text: text.into() }
}

pub(crate) fn skipped(check: &'static str, text: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Skipped, text: text.into() }
}

pub(crate) fn wrong(check: &'static str, text: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Wrong, text: text.into() }
}

/// Says that a call failed, with the service's own name for the failure.
pub(crate) fn unknown(check: &'static str, call: &str, error: &CallError) -> Finding {
    Finding { check, verdict: Verdict::Unknown, text: format!("cannot {call}: {error}") }
}

/// Everything that was found in a stack.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    stack: String,
    verdict: Verdict,
    checks: Vec<Finding>,
}

impl Report {
    /// Puts the findings together. The worst of them decides, and an unknown answer is not a good
    /// one.
    pub(crate) fn new(stack: &str, checks: Vec<Finding>) -> Self {
        let has = |verdict| checks.iter().any(|finding| finding.verdict == verdict);
        let worst = [Verdict::Wrong, Verdict::Unknown].into_iter().find(|verdict| has(*verdict));
        Self { stack: stack.to_owned(), verdict: worst.unwrap_or(Verdict::Ok), checks }
    }

    pub(crate) fn exit_status(&self) -> ExitStatus {
        match self.verdict {
            Verdict::Ok | Verdict::Warning | Verdict::Skipped => ExitStatus::Success,
            Verdict::Wrong => ExitStatus::Refused,
            Verdict::Unknown => ExitStatus::Failed,
        }
    }

    pub(crate) fn print_lines(&self, out: &mut impl Write) -> io::Result<()> {
        for Finding { check, verdict, text } in &self.checks {
            let verdict = match verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "warning",
                Verdict::Skipped => "skipped",
                Verdict::Unknown => "unknown",
                Verdict::Wrong => "WRONG",
            };
            writeln!(out, "{verdict:<8} {check}: {}", printable(text))?;
        }
        Ok(())
    }

    pub(crate) fn print_json(&self, out: &mut impl Write) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        writeln!(out, "{}", crate::terminal::printable_lines(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(checks: Vec<Finding>) -> Report {
        Report::new("webhooks", checks)
    }

    #[test]
    fn the_worst_finding_decides_the_exit_status() {
        let failed =
            unknown("key", "describe the key", &CallError::Refused("AccessDenied".to_owned()));
        for (checks, expected) in [
            (vec![ok("a", ""), warning("b", ""), skipped("c", "")], ExitStatus::Success),
            (vec![ok("a", ""), failed.clone()], ExitStatus::Failed),
            (vec![wrong("a", ""), failed, ok("b", "")], ExitStatus::Refused),
        ] {
            assert_eq!(report(checks.clone()).exit_status(), expected, "{checks:?}");
        }
    }

    #[test]
    fn a_finding_is_one_line_whatever_a_name_holds() {
        let failed =
            unknown("key", "describe the key k", &CallError::Refused("AccessDenied".to_owned()));
        let checks = vec![
            ok("table", "t"),
            warning("b", "w"),
            skipped("c", "s"),
            wrong("a", "x\ny\u{1b}"),
            failed,
        ];
        let mut lines = Vec::new();
        report(checks).print_lines(&mut lines).expect("memory");
        let expected = "ok       table: t\n\
                        warning  b: w\n\
                        skipped  c: s\n\
                        WRONG    a: x\\ny\\u001b\n\
                        unknown  key: cannot describe the key k: the service refused the call: \
                        AccessDenied\n";
        assert_eq!(String::from_utf8_lossy(&lines), expected);
    }

    #[test]
    fn json_has_the_stack_its_verdict_and_every_check() {
        let mut json = Vec::new();
        report(vec![ok("table", "t"), wrong("queue", "q")]).print_json(&mut json).expect("memory");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        let expected = serde_json::json!({
            "stack": "webhooks",
            "verdict": "wrong",
            "checks": [
                {"check": "table", "verdict": "ok", "text": "t"},
                {"check": "queue", "verdict": "wrong", "text": "q"},
            ],
        });
        assert_eq!(json, expected);
    }
}
