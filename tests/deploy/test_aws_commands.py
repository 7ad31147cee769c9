"""Checks that each `aws` command in the pages exists, by botocore's service descriptions."""

import re
import unittest

import botocore.session
from botocore import xform_name
from test_recipes import PAGES

# Commands that the AWS CLI adds to those of the services, with the options that the pages use.
ADDED = {
    ("configure", "export-credentials"): {"format"},
    ("configure", "sso"): set(),
    ("logs", "tail"): {"filter-pattern", "since"},
    ("s3", "cp"): {"recursive"},
    ("s3", "rm"): {"recursive"},
    ("sso", "login"): set(),
}
# The AWS CLI's name of a service, if botocore's is a different one.
SERVICES = {"s3api": "s3"}
GLOBAL = {"cli-input-json", "no-cli-pager", "output", "profile", "query", "region"}
SESSION = botocore.session.get_session()


def commands(page: str) -> list[tuple[str, str, set[str]]]:
    """Returns the service, operation and options of each command in a page's code."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", page, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]*\baws [^`\n]*)`", re.sub(r"(?ms)^ *```.*?^ *```", "", page))
    code = re.sub(r"(^|\s)#.*", "", "\n".join([*blocks, *spans])).replace("\\\n", " ")
    # What is in quotes is a value, unless it is itself the output of a command.
    code = re.sub(r"'[^']*'|\"[^\"]*\"", lambda text: text[0] if "$(aws" in text[0] else "", code)
    found = re.findall(r"\baws ([a-z][\w-]*) ((?:wait )?[a-z][\w-]*)([^|;&)\n]*)", code)
    return [
        (service, name, set(re.findall(r"--([a-z][\w-]*)", rest))) for service, name, rest in found
    ]


def fault(service: str, name: str, options: set[str]) -> str | None:
    """Returns what is wrong with a command. One without options is a mention, not a recipe."""
    if (service, name) in ADDED:
        unknown = options - ADDED[service, name] - GLOBAL
        return f"unknown options {unknown}" if unknown else None
    service = SERVICES.get(service, service)
    if service not in SESSION.get_available_services():
        return "unknown service"
    model = SESSION.get_service_model(service)
    operations = {xform_name(operation, "-"): operation for operation in model.operation_names}
    if name.startswith("wait "):
        waiters = SESSION.get_waiter_model(service)
        waits = {f"wait {xform_name(waiter, '-')}": waiter for waiter in waiters.waiter_names}
        operation = name in waits and waiters.get_waiter(waits[name]).operation
    else:
        operation = operations.get(name)
    if not operation:
        return "unknown operation"
    shape = model.operation_model(operation).input_shape
    members = shape.members if shape else {}
    known = {xform_name(member, "-") for member in members}
    booleans = [member for member, value in members.items() if value.type_name == "boolean"]
    known |= {f"no-{xform_name(member, '-')}" for member in booleans}
    required = {xform_name(member, "-") for member in shape.required_members} if shape else set()
    if unknown := options - known - GLOBAL:
        return f"unknown options {unknown}"
    if options and (missing := required - options):
        return f"missing options {missing}"
    return None


class AwsCommands(unittest.TestCase):
    def test_every_aws_command_in_a_page_exists(self) -> None:
        found = 0
        for page in PAGES:
            for command in commands(page.read_text("utf-8")):
                found += 1
                self.assertIsNone(fault(*command), f"{page.name}: {command}")
        self.assertGreater(found, 20)

    def test_commands_are_read_as_a_shell_reads_them(self) -> None:
        page = (
            "Prose of aws lambda. `aws sso login`, `eval \"$(aws configure sso)\"`\n\n"
            "```sh\nX=$(aws sts get-caller-identity --query 'a --b') # aws x y\n"
            'aws sqs purge-queue --queue-url "$URL" \\\n  --region r | jq --slurp\n```\n'
        )
        self.assertEqual(
            [
                ("sts", "get-caller-identity", {"query"}),
                ("sqs", "purge-queue", {"queue-url", "region"}),
                ("sso", "login", set()),
                ("configure", "sso", set()),
            ],
            commands(page),
        )

    def test_a_wrong_command_is_a_fault(self) -> None:
        for command, expected in [
            (("sqss", "purge-queue", set()), "unknown service"),
            (("sqs", "purge", set()), "unknown operation"),
            (("lambda", "wait function-gone", set()), "unknown operation"),
            (("sqs", "purge-queue", {"queue-url", "name"}), "unknown options {'name'}"),
            (("s3", "rm", {"all"}), "unknown options {'all'}"),
            (("sqs", "purge-queue", {"region"}), "missing options {'queue-url'}"),
            (("lambda", "wait function-updated-v2", {"function-name"}), None),
            (("sqs", "purge-queue", set()), None),
        ]:
            self.assertEqual(expected, fault(*command), command)


if __name__ == "__main__":
    unittest.main()
