"""Shows that providers' entries in template.yaml differ only in the name, and that one more works.

Run with cfn-lint's Python: `.tools/cfn-lint/bin/python infra/rules/test_entries.py`.
"""

import itertools
import logging
import os
import re
import pathlib
import sys
import unittest

from cfnlint.core import get_rules

# cfn-lint also loads every file of this folder, from another directory.
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from test_parameters import (
    IGNORED,
    INFRA,
    NAMES,
    PROVIDER,
    TEMPLATE,
    deployed,
    findings,
    nested,
    parse,
    providers,
)
from test_rules import findings as findings_of_rules

# The places of an entry, each as the first line of the block's first and last item. A block ends
# before the next line that is not indented deeper than its first line. The block of the resource
# includes the empty line after it.
RESOURCE = "  {Name}Provider:\n"
PLACES = [
    ("      - Label: { default: {Name} }\n", "      - Label: { default: {Name} }\n"),
    ("  Enable{Name}:\n", "  Existing{Name}SecretArn:\n"),
    ("  {Name}On:", "  {Name}UrlKnown:"),
    (RESOURCE, RESOURCE),
    (
        "            - !Sub ${AWS::StackName}-{name}\n",
        "            - !Sub ${AWS::StackName}-{name}\n",
    ),
    ("  {Name}Url:\n", "  {Name}FunctionName:\n"),
]


def with_name(text, name):
    """Returns the text of an entry, with the name in place of {Name} and {name}."""
    return text.replace("{Name}", name).replace("{name}", kebab_case(name))


def pattern(block, name):
    """Returns the text of an entry, with {Name} and {name} in place of its name."""
    block = re.sub(f"{name}(?![a-z0-9])", "{Name}", block)
    return re.sub(f"\\b{kebab_case(name)}\\b", "{name}", block)


def kebab_case(name):
    """Returns the name as it is written in values: acme-pay for AcmePay."""
    return "".join(
        f"-{letter.lower()}" if letter.isupper() else letter for letter in name
    ).removeprefix("-")


def block(text, name, place):
    """Returns the block of a provider in a place."""
    first, last = (with_name(begin, name) for begin in place)
    start = text.index("\n" + first) + 1
    end = text.index("\n" + last, start - 1) + 1
    indent = len(first) - len(first.lstrip())
    lines = text[end:].splitlines(keepends=True)
    inner = itertools.takewhile(lambda line: line.startswith(" " * (indent + 1)), lines[1:])
    block = text[start:end] + lines[0] + "".join(inner)
    return block + "\n" if place[0] == RESOURCE else block


def without(text, name):
    """Returns the template without a provider."""
    for place in PLACES:
        text = text.replace(block(text, name, place), "", 1)
    return text


def with_another(text, name):
    """Returns the template with one more provider, after the last one in each place."""
    for place in PLACES:
        last = block(text, NAMES[-1], place)
        text = text.replace(last, last + with_name(pattern(last, NAMES[-1]), name))
    return text


class TestEntries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        logging.disable(logging.CRITICAL)
        cls.text = TEMPLATE.read_text("utf-8")

    def test_entries_differ_only_in_the_name(self):
        for place in PLACES:
            patterns = {pattern(block(self.text, name, place), name) for name in NAMES}
            self.assertEqual(len(patterns), 1, patterns)

    def test_nothing_outside_the_entries_names_a_provider(self):
        for path in INFRA.glob("*.yaml"):
            text = path.read_text("utf-8")
            if path == TEMPLATE:
                for name in NAMES:
                    text = without(text, name)
            for name in NAMES:
                # Only as part of a value or id: a name such as line may be a word of a sentence.
                self.assertNotRegex(text, f'[-/"]{kebab_case(name)}\\b|{name}[A-Z]', path.name)

    def test_one_more_entry_is_enough(self):
        text = with_another(self.text, "OneMore")
        self.assertEqual(providers(parse(text)), [*NAMES, "OneMore"])
        self.assertEqual(without(text, "OneMore"), self.text)
        self.assertEqual(findings_of_rules(text), [])
        rules = get_rules([], IGNORED, [])
        for parameters in (
            {},
            {"EnableOneMore": "false"},
            {"OneMorePublicUrl": "https://example.com"},
        ):
            left = deployed(text, parameters)
            self.assertEqual(findings(left, rules), [])
        *_, last = nested(left)
        self.assertEqual((last["Provider"], last["PublicUrl"]), ("one-more", "https://example.com"))
        self.assertEqual(findings(deployed(PROVIDER.read_text("utf-8"), last), rules), [])

    def test_without_a_provider_the_template_is_valid(self):
        for name in NAMES:
            text = without(self.text, name)
            self.assertEqual(providers(parse(text)), [other for other in NAMES if other != name])
            self.assertEqual(findings(deployed(text, {}), get_rules([], IGNORED, [])), [])


if __name__ == "__main__":
    unittest.main()
