"""What deploy.py derives from its input, and how it calls SAM."""

import contextlib
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import boto3
import deploy
from botocore.stub import Stubber
from samcli.yamlhelper import yaml_parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEMPLATE = yaml_parse((deploy.INFRA / "template.yaml").read_text("utf-8"))
CANARY = "Canary10Percent30Minutes"
SESSION = boto3.Session("key", "secret", region_name="eu-central-1")
CLIENTS = {service: SESSION.client(service) for service in ("sts", "cloudformation")}
STACK = deploy.settings("default", "deploy")["stack_name"]


def named(deployed: dict, overrides: dict, commit: str = COMMIT, dirty: bool = False) -> str:
    return deploy.release(commit, dirty, deploy.effective(TEMPLATE, deployed, overrides))


class Release(unittest.TestCase):
    def test_a_release_fits_the_template(self) -> None:
        declared = TEMPLATE["Parameters"]["Release"]
        for dirty in (False, True):
            self.assertRegex(named({}, {}, dirty=dirty), declared["AllowedPattern"])
        attempt = deploy.release(COMMIT, True, {}, "+20261126T223000Z")
        self.assertRegex(attempt, declared["AllowedPattern"])

    def test_without_a_change_the_release_is_the_same(self) -> None:
        overrides = {"LogRetentionDays": "7"}
        first = named({}, overrides)
        deployed = {**deploy.effective(TEMPLATE, {}, overrides), "Release": first}
        self.assertEqual(first, named(deployed, overrides))

    def test_each_parameter_alone_makes_another_release(self) -> None:
        for name in TEMPLATE["Parameters"].keys() - set(deploy.NOT_IN_RELEASE):
            self.assertNotEqual(named({}, {}), named({}, {name: "another"}), name)

    def test_a_commit_or_a_changed_file_alone_makes_another_release(self) -> None:
        self.assertEqual(
            3, len({named({}, {}), named({}, {}, "f" * 40), named({}, {}, dirty=True)})
        )
        self.assertTrue(named({}, {}, dirty=True).startswith("0123456789ab-dirty+"))
        self.assertTrue(named({}, {}).startswith("0123456789ab+"))

    def test_another_strategy_makes_no_other_release(self) -> None:
        self.assertEqual(named({}, {}), named({}, {"DeploymentStrategy": CANARY}))

    def test_kept_values_are_part_of_the_release(self) -> None:
        self.assertEqual(named({"LogLevel": "debug"}, {}), named({}, {"LogLevel": "debug"}))


class Rewired(unittest.TestCase):
    def test_only_parameters_for_what_exists_already_are_wired(self) -> None:
        wired = deploy.wired_parameters(TEMPLATE)
        self.assertLessEqual(
            {"ExistingTableName", "ExistingQueueArn", "KmsKeyArn", "SubnetIds"}, wired
        )
        self.assertLessEqual(
            {name for name in TEMPLATE["Parameters"] if name.startswith("Existing")}, wired
        )
        self.assertFalse({"Release", "LogLevel", "Architecture", "AlarmTopicArn"} & wired)
        self.assertNotIn("DeploymentStrategy", wired)

    def test_only_a_change_of_a_deployed_stack_counts(self) -> None:
        deployed = {"ExistingTableName": "old", "LogLevel": "info"}
        for before, overrides, expected in [
            ({}, {"ExistingTableName": "new"}, []),
            (deployed, {"ExistingTableName": "old"}, []),
            (deployed, {}, []),
            (deployed, {"LogLevel": "debug"}, []),
            (deployed, {"ExistingTableName": "new"}, ["ExistingTableName"]),
            # The deployed template did not have it.
            (
                deployed,
                {"ExistingQueueArn": "arn:aws:sqs:us-east-1:000000000000:q"},
                ["ExistingQueueArn"],
            ),
        ]:
            after = deploy.effective(TEMPLATE, before, overrides)
            self.assertEqual(expected, deploy.rewired(TEMPLATE, before, after), (before, overrides))


class Deployment(unittest.TestCase):
    """The whole command, with stand-ins for AWS, git and the two runs of SAM."""

    def run_it(
        self,
        *arguments: str,
        deployed: dict | None = None,
        status: str = "UPDATE_COMPLETE",
        terminal: bool = False,
        ci: str = "",
    ) -> tuple[list, str]:
        calls: list = []
        with contextlib.ExitStack() as stack:
            for where, name, stand_in in [
                (deploy, "session_for", lambda _: SESSION),
                (SESSION, "client", CLIENTS.get),
                (deploy, "check_tools", lambda: None),
                (deploy, "git", lambda command, _: COMMIT if command == "rev-parse" else ""),
                (deploy, "sam", lambda *call: calls.append(call)),
                (sys, "stdin", mock.Mock(isatty=lambda: terminal)),
            ]:
                stack.enter_context(mock.patch.object(where, name, stand_in))
            stack.enter_context(mock.patch.dict(os.environ, {"CI": ci}))
            for service, client in CLIENTS.items():
                stubber = stack.enter_context(Stubber(client))
                if service == "sts":
                    stubber.add_response("get_caller_identity", {"Account": "000000000000"})
                elif deployed is None:
                    stubber.add_client_error(
                        "describe_stacks", "ValidationError", "Stack … does not exist"
                    )
                else:
                    parameters = [
                        {"ParameterKey": name, "ParameterValue": value}
                        for name, value in deployed.items()
                    ]
                    found = {
                        "StackName": "webhooks",
                        "CreationTime": 0,
                        "StackStatus": status,
                        "Parameters": parameters,
                    }
                    stubber.add_response("describe_stacks", {"Stacks": [found]})
            said = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            deploy.main(*arguments)
        return calls, said.getvalue()

    def test_build_and_deploy_get_the_same_arguments(self) -> None:
        (build, deployed), said = self.run_it("prod")
        self.assertEqual(("build", "deploy"), (build[0], deployed[0]))
        self.assertEqual(build[1:], deployed[1 : len(build)])
        self.assertEqual(
            ("--config-env", "prod", "--region", "eu-central-1", "--parameter-overrides"),
            build[1:6],
        )
        self.assertIn(f'DeploymentStrategy="{CANARY}"', build)
        release = next(argument for argument in build if argument.startswith("Release="))
        self.assertRegex(release, '^Release="0123456789ab\\+[0-9a-f]{8}"$')
        self.assertIn(", account 000000000000: Release 0123456789ab+", said)

    def test_dev_is_the_default(self) -> None:
        self.assertEqual(self.run_it()[0], self.run_it("dev")[0])
        self.assertEqual("default", self.run_it()[0][0][2])

    def test_it_asks_only_at_a_terminal(self) -> None:
        for terminal, ci, asks in [(True, "", True), (False, "", False), (True, "true", False)]:
            (_, deployed), _ = self.run_it(terminal=terminal, ci=ci)
            self.assertEqual(asks, "--no-confirm-changeset" not in deployed, (terminal, ci))

    def test_a_changed_table_moves_the_traffic_at_once(self) -> None:
        deployed = {"DeploymentStrategy": CANARY, "ExistingTableName": "old"}
        (build, _), said = self.run_it("prod", "ExistingTableName=new", deployed=deployed)
        self.assertIn('DeploymentStrategy="None"', build)
        self.assertIn("ExistingTableName changes: DeploymentStrategy is None this time", said)
        (build, _), said = self.run_it("prod", "ExistingTableName=old", deployed=deployed)
        self.assertIn(f'DeploymentStrategy="{CANARY}"', build)
        self.assertNotIn("this time", said)

    def test_a_strategy_that_would_be_lost_is_refused(self) -> None:
        deployed = {"DeploymentStrategy": CANARY, "ExistingTableName": "old"}
        with self.assertRaisesRegex(
            deploy.Refusal, f"^DeploymentStrategy={CANARY} would be lost, "
        ):
            self.run_it("dev", "ExistingTableName=new", deployed=deployed)

    def test_kept_values_are_printed(self) -> None:
        _, said = self.run_it(
            "dev", deployed={"LogLevel": "debug", "LogRetentionDays": "30", "MemorySize": "256"}
        )
        kept = re.findall("^The stack keeps (.*),", said, re.MULTILINE)
        self.assertEqual(["LogLevel=debug"], kept)

    def test_after_a_rollback_the_same_commit_gets_another_release(self) -> None:
        (build, _), _ = self.run_it("dev", deployed={}, status="UPDATE_ROLLBACK_COMPLETE")
        release = next(argument for argument in build if argument.startswith("Release="))
        pattern = '^Release="0123456789ab\\+[0-9a-f]{8}\\+[0-9]{8}T[0-9]{6}Z"$'
        self.assertRegex(release, pattern)

    def test_a_key_changes_only_if_both_keys_are_allowed(self) -> None:
        old, new = (f"arn:aws:kms:eu-central-1:000000000000:key/{name}" for name in ("old", "new"))
        for allowed_before, allowed_after, works in [
            ("", "", False),
            (new, "", False),
            ("", old, False),
            (new, old, True),
            (f"other,{new}", f"other,{old}", True),
        ]:
            deployed = {"KmsKeyArn": old, "ExistingKmsKeyArns": allowed_before}
            arguments = ["dev", f"KmsKeyArn={new}", f"ExistingKmsKeyArns={allowed_after}"]
            if works:
                self.run_it(*arguments, deployed=deployed)
            else:
                with self.assertRaisesRegex(deploy.Refusal, "^KmsKeyArn changes, "):
                    self.run_it(*arguments, deployed=deployed)

    def test_a_stack_that_cannot_be_updated_is_refused_before_the_build(self) -> None:
        for status, sentence in [
            ("ROLLBACK_COMPLETE", f"{STACK} is ROLLBACK_COMPLETE, and nothing can be"),
            ("DELETE_FAILED", f"{STACK} is DELETE_FAILED, and nothing can be"),
            ("UPDATE_ROLLBACK_FAILED", f"{STACK} is UPDATE_ROLLBACK_FAILED: see its events, "),
            ("UPDATE_IN_PROGRESS", f"{STACK} is UPDATE_IN_PROGRESS: wait until"),
        ]:
            with self.assertRaises(deploy.Refusal) as refused:
                self.run_it("dev", deployed={}, status=status)
            self.assertTrue(str(refused.exception).startswith(sentence), refused.exception)

    def test_wrong_arguments_are_refused_with_a_sentence(self) -> None:
        for arguments, deployed, sentence in [
            (["staging"], None, "infra/samconfig.toml has no stack_name for staging"),
            (["dev", "LogLevel"], None, "LogLevel is not a parameter: write Name=value."),
            (["dev", "Loglevel=info"], None, "template.yaml has no parameter Loglevel."),
            (["dev", "Release=7"], None, "Take Release out of the parameters"),
            (
                ["dev", "ExistingQueueArn=arn:aws:sqs:us-east-1:000000000000:q"],
                None,
                "ExistingQueueArn is in us-east-1, and the stack in eu-central-1: name a queue in ",
            ),
        ]:
            with self.assertRaises(deploy.Refusal) as refused:
                self.run_it(*arguments, deployed=deployed)
            self.assertTrue(str(refused.exception).startswith(sentence), refused.exception)


class Surroundings(unittest.TestCase):
    """The command as a process, with something missing. It builds nothing."""

    def refusal(self, programs: list[str], **environment: str) -> str:
        with tempfile.TemporaryDirectory() as home:
            for program in programs:
                path = pathlib.Path(home, program)
                path.write_text("#!/bin/sh\necho build >&2\n", "utf-8")
                path.chmod(0o700)
            # No profile, no instance role, and an endpoint that does not answer.
            nowhere = {
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
                "AWS_MAX_ATTEMPTS": "1",
            }
            variables = {"PATH": home, "HOME": home, **nowhere, **environment}
            command = [sys.executable, "-B", deploy.INFRA / "deploy.py"]
            done = subprocess.run(
                command, env=variables, capture_output=True, text=True, check=False
            )
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        return done.stderr

    def test_no_region(self) -> None:
        sentence = "No AWS region is set: export AWS_REGION, such as AWS_REGION=eu-central-1.\n"
        self.assertEqual(sentence, self.refusal(["sam", "cargo-lambda"]))

    def test_an_unknown_profile(self) -> None:
        sentence = (
            "The AWS profile cannot be used: The config profile (nobody) could not be found.\n"
        )
        self.assertEqual(
            sentence,
            self.refusal(["sam", "cargo-lambda"], AWS_PROFILE="nobody", AWS_REGION="us-east-1"),
        )

    def test_no_credentials(self) -> None:
        said = self.refusal(["sam", "cargo-lambda"], AWS_REGION="us-east-1")
        start = "AWS credentials are needed: Unable to locate credentials. First make `aws sts "
        self.assertEqual((start, 1), (said[: len(start)], said.count("\n")))

    def test_a_missing_program(self) -> None:
        for present, sentence in [((), "SAM CLI"), (("sam",), "cargo-lambda")]:
            with (
                mock.patch.dict(os.environ),
                mock.patch("shutil.which", present.__contains__),
                self.assertRaisesRegex(
                    deploy.Refusal, f"^{sentence} is missing: run `make tools`.$"
                ),
            ):
                deploy.check_tools()

    def test_no_commit(self) -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.object(deploy, "INFRA", pathlib.Path(folder)),
        ):
            with self.assertRaisesRegex(
                deploy.Refusal, "^The version is named after the commit, but git says: fatal: "
            ):
                deploy.git("rev-parse", "HEAD")


if __name__ == "__main__":
    unittest.main()
