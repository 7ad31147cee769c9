"""`infra/deploy.py` with the real SAM, from build to deployment, in the AWS emulator.

The template has the real one's parameters, and a topic in place of its resources, so that nothing
has to be compiled. `make test` runs this. To run it alone:
`.tools/sam/bin/python -m unittest discover tests/deploy`.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import boto3
from samcli.yamlhelper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com"]


def template() -> str:
    """Returns a template with the parameters of the real one."""
    real = yaml_parse((ROOT / "infra/template.yaml").read_text("utf-8"))
    kept = {name: real[name] for name in ("AWSTemplateFormatVersion", "Metadata", "Parameters")}
    name = {"Fn::Sub": "${Release} ${DeploymentStrategy}"}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": name}}
    return json.dumps({**kept, "Resources": {"Topic": topic}})


class Deploy(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name).resolve()
        self.checkout = self.home / "checkout"
        infra = self.checkout / "infra"
        infra.mkdir(parents=True)
        for name in ("deploy.py", "samconfig.toml"):
            shutil.copy(ROOT / "infra" / name, infra)
        (infra / "template.yaml").write_text(template(), "utf-8")
        (self.checkout / ".gitignore").write_text(".aws-sam/\n", "utf-8")
        self.program("cargo-lambda")
        self.git("init", "--quiet")
        self.commit()
        self.start_emulator()

    def program(self, name: str) -> None:
        """Makes a program that does nothing."""
        path = self.home / name
        path.write_text("#!/bin/sh\n", "utf-8")
        path.chmod(0o700)

    def git(self, *arguments: str) -> None:
        subprocess.run([*GIT, *arguments], cwd=self.checkout, check=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "as it is")

    def start_emulator(self) -> None:
        """Starts the emulator on a free port, and returns once it listens."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        endpoint = f"http://127.0.0.1:{port}"
        self.environment = {
            "PATH": os.pathsep.join(
                [str(self.home), str(ROOT / ".tools/sam/bin"), os.environ["PATH"]]
            ),
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            # Not AWS_DEFAULT_REGION, which is all that boto3 reads by itself.
            "AWS_REGION": "eu-central-1",
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.1",
        }
        settings = {"GATEWAY_PORT": port, "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1"}
        settings |= {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "PERSIST_STATE": "0"}
        emulator = subprocess.Popen(
            [ROOT / ".tools/ministack/bin/ministack"],
            env={**self.environment, **settings, "TMPDIR": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(emulator.communicate)
        self.addCleanup(emulator.kill)
        is_up = any("Running on " in line for line in emulator.stdout)
        self.assertTrue(is_up, "the emulator does not start")
        self.aws = boto3.client(
            "cloudformation",
            endpoint_url=endpoint,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def deploy(self, *arguments: str) -> tuple[str, dict[str, str]]:
        """Deploys without a terminal, and returns the output and the stack's parameters."""
        done = subprocess.run(
            [sys.executable, "-B", "infra/deploy.py", *arguments],
            cwd=self.checkout,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout)
        [stack] = [
            stack
            for stack in self.aws.describe_stacks()["Stacks"]
            if not stack["StackName"].startswith("aws-sam-cli-managed")
        ]
        found = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
        return done.stdout, found

    def test_the_release_changes_only_with_code_and_parameters(self) -> None:
        _, first = self.deploy("prod")
        self.assertRegex(first["Release"], r"^[0-9a-f]{12}\+[0-9a-f]{8}$")
        canary = first["DeploymentStrategy"]
        self.assertNotEqual("None", canary)

        said, same = self.deploy("prod")
        self.assertEqual(first, same)
        self.assertIn("No changes to deploy.", said)

        _, table = self.deploy("prod", "ExistingTableName=records")
        self.assertEqual(
            {**first, "ExistingTableName": "records", "DeploymentStrategy": "None"},
            {**table, "Release": first["Release"]},
        )
        self.assertEqual(first["Release"][:13], table["Release"][:13])
        self.assertNotEqual(first["Release"], table["Release"])

        # The table is not named any more, but kept. The canary is back.
        said, kept = self.deploy("prod")
        self.assertEqual({**table, "DeploymentStrategy": canary}, kept)
        self.assertIn("The stack keeps ExistingTableName=records,", said)

        (self.checkout / "code.rs").touch()
        _, dirty = self.deploy("prod")
        self.assertEqual(kept["Release"].replace("+", "-dirty+"), dirty["Release"])
        self.commit()
        _, code = self.deploy("prod")
        self.assertNotEqual(kept["Release"][:12], code["Release"][:12])
        self.assertEqual(kept["Release"][12:], code["Release"][12:])


if __name__ == "__main__":
    unittest.main()
