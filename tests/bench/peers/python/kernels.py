"""The kernels in Python: see `src/kernels/worker.rs`.

Reads one command per line: `tag <file>` or `run <file> <milliseconds>`.
"""

import hashlib
import hmac
import json
import sys
import time

KEY = b"a-key-of-the-usual-length-of-forty-bytes"
PREFIX = b"v1:1795262400:"


def tag(body):
    payload = json.loads(body)["payload"]
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(KEY, PREFIX + text.encode(), hashlib.sha256).hexdigest()


def mean_ns(body, milliseconds):
    expected = tag(body)
    started_at = time.perf_counter_ns()
    until, runs = started_at + milliseconds * 1_000_000, 0
    while (now := time.perf_counter_ns()) < until or not runs:
        if not hmac.compare_digest(tag(body), expected):
            raise ValueError("a tag that changes")
        runs += 1
    return (now - started_at) / runs


for line in sys.stdin:
    command, path, *rest = line.split()
    with open(path, "rb") as file:
        content = file.read()
    print(tag(content) if command == "tag" else mean_ns(content, int(rest[0])), flush=True)
