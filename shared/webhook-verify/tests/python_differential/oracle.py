"""Answers the questions of this test by the rules of the crate.

The rules: no duplicate names, no infinite numbers, at most 128 open brackets. Reads documents from
standard input and writes the answers to standard output, each after its length.
"""

import json
import math
import struct
import sys

if not hasattr(sys, "set_int_max_str_digits"):
    sys.exit("this test compares with Python 3.11 or later: install it as python3")
sys.set_int_max_str_digits(4300)


class Pairs(list):
    """An object with all of its members, duplicates included."""


def refuse(*_):
    raise ValueError


def unique(pairs):
    members = dict(pairs)
    return members if len(members) == len(pairs) else refuse()


def finite(text):
    number = float(text)
    return refuse() if math.isinf(number) else number


def within_depth(value):
    level, values = 0, [value]
    while True:
        containers = [value for value in values if isinstance(value, (dict, list))]
        if not containers:
            return
        level += 1
        if level > 128:
            refuse()
        values = []
        for container in containers:
            if isinstance(container, dict):
                values.extend(container.values())
            elif isinstance(container, Pairs):
                values.extend(value for _, value in container)
            else:
                values.extend(container)


def loads(document, **hooks):
    value = json.loads(document.decode("utf-8"), parse_constant=refuse, **hooks)
    within_depth(value)
    return value


def answer(question, *arguments):
    try:
        return question(*arguments)
    except (ValueError, RecursionError, LookupError):
        return None


def default(value):
    return json.dumps(value).encode("ascii")


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def payload(value):
    if not isinstance(value, dict):
        refuse()
    compact(value)
    return compact(value["payload"])


def as_object(document):
    value = loads(document, object_pairs_hook=Pairs, parse_int=len, parse_float=len)
    return value if isinstance(value, Pairs) else refuse()


def text(value, *path):
    for name in path:
        value = dict(value)[name] if isinstance(value, Pairs) else refuse()
    return value.encode("utf-8") if isinstance(value, str) and value else None


def answers(document):
    try:
        value = loads(document, object_pairs_hook=unique, parse_float=finite)
    except (ValueError, RecursionError):
        yield from (None, None, None)
    else:
        yield from (answer(default, value), answer(compact, value), answer(payload, value))
    pairs = answer(as_object, document)
    yield None if pairs is None else b""
    yield answer(text, pairs, "id")
    yield answer(text, pairs, "payload", "id")


stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
while length := stdin.read(4):
    for found in answers(stdin.read(*struct.unpack(">I", length))):
        if found is None:
            stdout.write(struct.pack(">I", 0xffffffff))
        else:
            stdout.write(struct.pack(">I", len(found)) + found)
