"""Checks cost.py against arithmetic by hand: `python3 -m unittest discover infra`."""

import contextlib
import io
import pathlib
import re
import unittest

from cost import PRICES, Usage, month, parse, report


def costs(usage: Usage) -> dict[tuple[str, str], float]:
    return {(line.service, line.what): round(line.cost, 6) for line in month(usage)}


class Cost(unittest.TestCase):
    def test_a_million_events_without_repetitions(self) -> None:
        usage = Usage(duplicates=0, refusals=0, duration_ms=40, log_kb=1.048576)
        expected = {
            ("Lambda", "invocations"): 0.20,
            # 1e6 × 0.04 s × 0.25 GB = 10,000 GB-s
            ("Lambda", "memory and time"): 0.133334,
            ("HTTP API", "requests"): 1.00,
            ("DynamoDB", "claims, of duplicates too"): 0.625,
            ("DynamoDB", "completes"): 0.625,
            # 1e6 × 0.6 KB = 0.572205 GB
            ("DynamoDB", "records"): 0.143051,
            ("DynamoDB", "point-in-time recovery"): 0.114441,
            ("SQS", "sends and receives"): 1.00,
            ("SQS", "deletes"): 0.50,
            # 1e6 × 1.048576 KB = 1 GB
            ("Logs", "written"): 0.50,
            ("Logs", "kept"): 0.03,
            ("S3", "large payloads put"): 0,
            ("S3", "large payloads read"): 0,
            ("S3", "large payloads kept"): 0,
            ("Secrets Manager", "secrets"): 0.80,
            # 2 versions × 2 providers × 2 processes × 8,640 = 69,120
            ("Secrets Manager", "calls"): 0.3456,
            ("CloudWatch", "metrics"): 18.0,
            ("CloudWatch", "alarms"): 3.60,
            ("CloudWatch", "dashboards"): 3.00,
        }
        self.assertEqual(costs(usage), expected)

    def test_duplicates_cost_a_claim_but_refusals_do_not(self) -> None:
        usage = costs(Usage(duplicates=0.5, refusals=0.25))
        self.assertEqual(usage["Lambda", "invocations"], 0.35)
        self.assertEqual(usage["HTTP API", "requests"], 1.75)
        self.assertEqual(usage["DynamoDB", "claims, of duplicates too"], 0.9375)
        self.assertEqual(usage["DynamoDB", "completes"], 0.625)
        self.assertEqual(usage["SQS", "deletes"], 0.5)

    def test_sizes_are_billed_in_chunks(self) -> None:
        usage = costs(Usage(duplicates=0, refusals=0, body_kb=65))
        self.assertEqual(usage["SQS", "sends and receives"], 2.0)
        usage = costs(Usage(duplicates=0, refusals=0, large=0.5, large_kb=1025))
        self.assertEqual(usage["HTTP API", "requests"], 2.0)
        self.assertEqual(usage["SQS", "sends and receives"], 1.0)
        self.assertEqual(usage["S3", "large payloads put"], 2.5)
        self.assertEqual(usage["S3", "large payloads read"], 0.2)

    def test_each_processor_and_kind_of_queue_has_its_price(self) -> None:
        self.assertEqual(costs(Usage(architecture="x86_64"))["Lambda", "memory and time"], 0.127625)
        self.assertEqual(costs(Usage(queue="standard"))["SQS", "deletes"], 0.5)

    def test_the_report_has_the_sum_of_its_lines(self) -> None:
        usage = Usage(events=2e6)
        lines = month(usage)
        text = report(usage)
        self.assertIn(
            f"together per million:    ${sum(line.cost for line in lines) / 2:,.2f}", text
        )
        invocations = next(line for line in text.splitlines() if "invocations" in line)
        self.assertEqual(
            invocations.split(),
            "Lambda invocations 2,042,000.00 × $0.20 per 1,000,000 requests = $0.4084".split(),
        )
        self.assertNotIn("large payloads", text)

    def test_options_set_the_usage(self) -> None:
        usage = parse(
            ["--events", "5e6", "--memory-mb", "128", "--queue", "standard", "--large", "0.01"]
        )
        self.assertEqual(usage, Usage(events=5e6, memory_mb=128, queue="standard", large=0.01))

    def test_impossible_options_are_refused(self) -> None:
        for text in (
            "--events 0",
            "--events nan",
            "--large 2",
            "--metrics -1",
            "--queue kafka",
            "--body-kb 1025",
        ):
            with (
                self.subTest(text),
                contextlib.redirect_stderr(io.StringIO()),
                self.assertRaises(SystemExit),
            ):
                parse(text.split())

    def test_the_number_of_alarms_is_that_of_the_templates(self) -> None:
        def watched(name: str) -> int:
            text = pathlib.Path(__file__).with_name(name).read_text("utf-8")
            return len(re.findall(r"^ +Namespace: ", text, re.MULTILINE))

        shared, of_provider = watched("monitoring.yaml"), watched("provider-alarms.yaml")
        self.assertEqual(Usage().alarms, shared + Usage().providers * of_provider)

    def test_every_price_has_a_source_and_a_use(self) -> None:
        usages = (Usage(), Usage(architecture="x86_64", queue="standard"))
        self.assertEqual({line.price for usage in usages for line in month(usage)}, set(PRICES))
        for _, _, _, source in PRICES.values():
            self.assertTrue(source.startswith("https://aws.amazon.com/"), source)


if __name__ == "__main__":
    unittest.main()
