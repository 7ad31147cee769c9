#!/usr/bin/env python3
"""Computes what a million webhook events cost, and prints the arithmetic.

The prices are listed in the script: US dollars, us-east-1, without free tiers, discounts and taxes.
They change and differ by region: compare them with their sources before you rely on them.

Not counted: the consumer's own work, data transfer (responses are a few bytes), X-Ray, a KMS key of
your own, a VPC.
"""

import argparse
from dataclasses import dataclass
from math import ceil

AS_OF = "mid-2026"
PRICES = {
    # name: (US dollars, per how many, unit, source)
    "lambda_request": (0.20, 1e6, "requests", "https://aws.amazon.com/lambda/pricing/"),
    "lambda_arm64": (0.0000133334, 1, "GB-s", "https://aws.amazon.com/lambda/pricing/"),
    "lambda_x86_64": (0.0000166667, 1, "GB-s", "https://aws.amazon.com/lambda/pricing/"),
    "http_api": (1.00, 1e6, "requests of 512 KB", "https://aws.amazon.com/api-gateway/pricing/"),
    "dynamodb_write": (
        0.625,
        1e6,
        "write units of 1 KB",
        "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    ),
    "dynamodb_stored": (0.25, 1, "GB-months", "https://aws.amazon.com/dynamodb/pricing/on-demand/"),
    "dynamodb_backup": (0.20, 1, "GB-months", "https://aws.amazon.com/dynamodb/pricing/on-demand/"),
    "sqs_fifo": (0.50, 1e6, "requests of 64 KB", "https://aws.amazon.com/sqs/pricing/"),
    # $0.40, and $0.10 for fair queues: the functions always send a message group id.
    "sqs_standard": (0.50, 1e6, "requests of 64 KB", "https://aws.amazon.com/sqs/pricing/"),
    "logs_ingested": (0.50, 1, "GB", "https://aws.amazon.com/cloudwatch/pricing/"),
    "logs_stored": (0.03, 1, "GB-months", "https://aws.amazon.com/cloudwatch/pricing/"),
    "metric": (0.30, 1, "metric-months", "https://aws.amazon.com/cloudwatch/pricing/"),
    "alarm": (0.10, 1, "alarm-months", "https://aws.amazon.com/cloudwatch/pricing/"),
    "dashboard": (3.00, 1, "dashboard-months", "https://aws.amazon.com/cloudwatch/pricing/"),
    "secret": (0.40, 1, "secret-months", "https://aws.amazon.com/secrets-manager/pricing/"),
    "secret_call": (0.05, 1e4, "calls", "https://aws.amazon.com/secrets-manager/pricing/"),
    "s3_put": (0.005, 1e3, "PUTs", "https://aws.amazon.com/s3/pricing/"),
    "s3_get": (0.0004, 1e3, "GETs", "https://aws.amazon.com/s3/pricing/"),
    "s3_stored": (0.023, 1, "GB-months", "https://aws.amazon.com/s3/pricing/"),
}

SECONDS_PER_MONTH = 30 * 86_400
KB_PER_GB = 1024 * 1024
# A larger body goes to the bucket, and the message is a pointer.
QUEUE_LIMIT_KB = 1024
SQS_CHUNK_KB = 64
HTTP_API_CHUNK_KB = 512
# Size of a record, from its ids and times. Up to 1 KB, a write is one unit.
RECORD_KB = 0.6


@dataclass
class Usage:
    """Traffic and settings of a month."""

    events: float = 1e6  # they share the monthly costs
    duplicates: float = 0.02  # deliveries of a known event, per event
    refusals: float = 0.001  # deliveries that do not verify, per event
    duration_ms: float = 30
    memory_mb: int = 256
    architecture: str = "arm64"
    body_kb: float = 6
    large: float = 0  # share of events that go through the bucket
    large_kb: float = 2048
    log_kb: float = 3  # per delivery: its line, metrics, Lambda's own lines, the API's line
    log_days: int = 30
    record_days: int = 30
    payload_days: int = 60
    queue: str = "fifo"
    instances: float = 2  # concurrent processes per provider, each with its own cached secrets
    secret_cache_s: int = 300
    providers: int = 2
    metrics: int = 60
    alarms: int = 36  # metrics that they watch, including two per provider for a canary
    dashboards: int = 1


@dataclass
class Line:
    """A line of the bill: an amount and its price."""

    service: str
    what: str
    amount: float
    price: str

    @property
    def cost(self) -> float:
        dollars, per, _, _ = PRICES[self.price]
        return self.amount / per * dollars

    def arithmetic(self) -> str:
        dollars, per, unit, _ = PRICES[self.price]
        per_text = f"{per:,.0f} " if per > 1 else ""
        price = f"${dollars:.10f}".rstrip("0")
        price += "0" * max(0, 2 - len(price.split(".")[1]))
        product = f"{self.amount:>14,.2f} × {price} per {per_text}{unit}"
        return f"{self.service:<16} {self.what:<26} {product} = ${self.cost:,.4f}"


def month(usage: Usage) -> list[Line]:
    """Returns the bill of a month."""
    deliveries = usage.events * (1 + usage.duplicates + usage.refusals)
    claims = usage.events * (1 + usage.duplicates)
    large = usage.events * usage.large
    small = usage.events - large
    body_chunks = (1 - usage.large) * ceil(usage.body_kb / HTTP_API_CHUNK_KB)
    body_chunks += usage.large * ceil(usage.large_kb / HTTP_API_CHUNK_KB)
    # Sending and receiving a message costs a request per chunk; a pointer is one chunk.
    message_chunks = small * ceil(usage.body_kb / SQS_CHUNK_KB) + large
    stored_records_gb = usage.events * RECORD_KB / KB_PER_GB * usage.record_days / 30
    logs_gb = deliveries * usage.log_kb / KB_PER_GB
    large_gb = large * usage.large_kb / KB_PER_GB
    # Each process fetches both versions of a secret when its cached value expires.
    fetches = 2 * usage.providers * usage.instances * SECONDS_PER_MONTH / usage.secret_cache_s
    gb_seconds = deliveries * usage.duration_ms / 1000 * usage.memory_mb / 1024
    return [
        Line("Lambda", "invocations", deliveries, "lambda_request"),
        Line("Lambda", "memory and time", gb_seconds, f"lambda_{usage.architecture}"),
        Line("HTTP API", "requests", deliveries * body_chunks, "http_api"),
        Line("DynamoDB", "claims, of duplicates too", claims, "dynamodb_write"),
        Line("DynamoDB", "completes", usage.events, "dynamodb_write"),
        Line("DynamoDB", "records", stored_records_gb, "dynamodb_stored"),
        Line("DynamoDB", "point-in-time recovery", stored_records_gb, "dynamodb_backup"),
        Line("SQS", "sends and receives", 2 * message_chunks, f"sqs_{usage.queue}"),
        Line("SQS", "deletes", usage.events, f"sqs_{usage.queue}"),
        Line("Logs", "written", logs_gb, "logs_ingested"),
        Line("Logs", "kept", logs_gb * usage.log_days / 30, "logs_stored"),
        Line("S3", "large payloads put", large, "s3_put"),
        Line("S3", "large payloads read", large, "s3_get"),
        Line("S3", "large payloads kept", large_gb * usage.payload_days / 30, "s3_stored"),
        Line("Secrets Manager", "secrets", usage.providers, "secret"),
        Line("Secrets Manager", "calls", fetches, "secret_call"),
        Line("CloudWatch", "metrics", usage.metrics, "metric"),
        Line("CloudWatch", "alarms", usage.alarms, "alarm"),
        Line("CloudWatch", "dashboards", usage.dashboards, "dashboard"),
    ]


# Services whose cost does not depend on the number of events.
BY_THE_MONTH = ("Secrets Manager", "CloudWatch")


def report(usage: Usage) -> str:
    """Returns the arithmetic, the totals, and the total per million events."""
    lines = [line for line in month(usage) if line.amount > 0]
    per_event = sum(line.cost for line in lines if line.service not in BY_THE_MONTH)
    by_the_month = sum(line.cost for line in lines if line.service in BY_THE_MONTH)
    million = 1e6 / usage.events
    text = [
        f"{usage.events:,.0f} events in a month; prices of us-east-1, {AS_OF}, without free tiers",
        "",
    ]
    text += [line.arithmetic() for line in lines]
    text += [
        "",
        f"grows with the events:   ${per_event:,.2f}, per million ${per_event * million:,.2f}",
        f"is paid by the month:    ${by_the_month:,.2f}, "
        f"per million ${by_the_month * million:,.2f}",
        f"together per million:    ${(per_event + by_the_month) * million:,.2f}",
    ]
    return "\n".join(text)


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return value


def above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("must not be below 0")
    return value


OPTIONS = {
    "events": (above_zero, "events in a month"),
    "duplicates": (share, "deliveries of a known event, per event"),
    "refusals": (share, "deliveries that do not verify, per event"),
    "duration_ms": (above_zero, "billed ms per delivery, with its share of cold starts"),
    "memory_mb": (above_zero, "memory of a function in MB"),
    "body_kb": (above_zero, "body of an event in KB"),
    "large": (share, "share of events that are too large for the queue"),
    "large_kb": (above_zero, "body of an event that is too large, in KB"),
    "log_kb": (
        above_zero,
        "KB of log per delivery, with metrics and the lines of Lambda and the API",
    ),
    "log_days": (count, "days that logs are kept"),
    "record_days": (count, "days that an event is remembered"),
    "payload_days": (count, "days that large payloads are kept"),
    "instances": (above_zero, "concurrent processes per provider"),
    "secret_cache_s": (above_zero, "seconds for which a process uses a fetched secret"),
    "providers": (count, "providers, each with a secret"),
    "metrics": (count, "custom metrics: each name once per value of its dimensions"),
    "alarms": (count, "alarms"),
    "dashboards": (count, "dashboards"),
}
CHOICES = {"architecture": ("arm64", "x86_64"), "queue": ("fifo", "standard")}


def parse(arguments: list[str] | None = None) -> Usage:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    defaults = Usage()
    for name, (kind, text) in OPTIONS.items():
        default = getattr(defaults, name)
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(
            option, type=kind, default=default, metavar="N", help=f"{text} [{default:g}]"
        )
    for name, choices in CHOICES.items():
        default = getattr(defaults, name)
        parser.add_argument(f"--{name}", choices=choices, default=default, help=f"[{default}]")
    usage = Usage(**vars(parser.parse_args(arguments)))
    if usage.body_kb > QUEUE_LIMIT_KB:
        parser.error("--body-kb is over the queue's limit of 1024: use --large and --large-kb")
    return usage


if __name__ == "__main__":
    print(report(parse()))
