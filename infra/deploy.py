"""Builds and deploys a stack of samconfig.toml: `make deploy`, or by SAM's own Python

    .tools/sam/bin/python infra/deploy.py [dev|prod] [Parameter=value ...]

Before `sam build` and `sam deploy`, it checks tools, credentials and parameters. It names the
version after the commit and the parameters (Release), and moves the traffic at once
(DeploymentStrategy=None) if the running version would lose its permissions. Without a terminal, or
if CI is set, it asks nothing.

It needs SAM's Python, which has boto3 and SAM's reader of samconfig.toml.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.exceptions import FileParseException
from samcli.lib.config.samconfig import SamConfig
from samcli.yamlhelper import yaml_parse

INFRA = pathlib.Path(__file__).resolve().parent
TOOLS = INFRA.parent / ".tools"
# SAM's name for the environment that it uses if none is given.
ENVIRONMENTS = {"dev": "default"}
# Parameters whose change makes no new version.
NOT_IN_RELEASE = ("Release", "DeploymentStrategy")


class Refusal(Exception):
    """The reason why nothing is deployed, as a sentence for the user."""


def settings(environment: str, command: str) -> dict:
    """Returns what samconfig.toml has for a command, as SAM reads it."""
    try:
        read = SamConfig(INFRA, "samconfig.toml").get_all([command], "parameters", environment)
    except FileParseException as error:
        raise Refusal(f"infra/samconfig.toml cannot be read: {error}") from error
    overrides = CfnParameterOverridesType().convert(read.get("parameter_overrides"), None, None)
    return {**read, "parameter_overrides": overrides}


def stage_settings(stage: str) -> tuple[str, dict]:
    """Returns a stage's environment in samconfig.toml, and its settings for `sam deploy`."""
    environment = ENVIRONMENTS.get(stage, stage)
    found = settings(environment, "deploy")
    if "stack_name" not in found:
        raise Refusal(
            f"infra/samconfig.toml has no stack_name for {stage}: "
            f"add it under [{environment}.global.parameters]."
        )
    if found["parameter_overrides"] != settings(environment, "build")["parameter_overrides"]:
        raise Refusal(
            "Move parameter_overrides to "
            f"[{environment}.global.parameters] in infra/samconfig.toml: sam build needs them, too."
        )
    return environment, found


def parse(arguments: list[str]) -> dict[str, str]:
    """Returns the parameters of a command line."""
    for argument in arguments:
        if not argument.partition("=")[0].isalnum() or "=" not in argument:
            raise Refusal(f"{argument} is not a parameter: write Name=value.")
    return dict(argument.split("=", 1) for argument in arguments)


def wired_parameters(template: Mapping) -> set[str]:
    """Returns the parameters for what exists already. Their change changes permissions at once."""
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    listed = [
        group["Parameters"]
        for group in groups
        if group["Label"]["default"].startswith("What exists already")
    ]
    assert listed, "template.yaml has no group for what exists already"
    return {name for name in template["Parameters"] if name.startswith("Existing")}.union(*listed)


def effective(
    template: Mapping, deployed: Mapping[str, str], overrides: Mapping[str, str]
) -> dict[str, str]:
    """Returns the parameters that the stack will have: CloudFormation keeps what is not given."""
    unknown = sorted(overrides.keys() - template["Parameters"].keys())
    if unknown:
        raise Refusal(f"template.yaml has no parameter {', '.join(unknown)}.")
    defaults = {
        name: str(declared.get("Default", "")) for name, declared in template["Parameters"].items()
    }
    kept = {name: value for name, value in deployed.items() if name in defaults}
    return {**defaults, **kept, **overrides}


def release(commit: str, dirty: bool, parameters: Mapping[str, str], attempt: str = "") -> str:
    """Returns the version's name: commit, whether files differ from it, hash of the parameters.

    A version that was rolled back is retained, and Lambda does not publish an identical one. So the
    next attempt has its time in the name.
    """
    counted = sorted(
        (name, value) for name, value in parameters.items() if name not in NOT_IN_RELEASE
    )
    digest = hashlib.sha256(json.dumps(counted).encode()).hexdigest()
    return f"{commit[:12]}{'-dirty' if dirty else ''}+{digest[:8]}{attempt}"


def rewired(template: Mapping, deployed: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Returns the parameters whose change takes permissions from the running version."""
    if not deployed:
        return []
    before = effective(template, deployed, {})
    return sorted(name for name in wired_parameters(template) if before[name] != after[name])


def check_values(region: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Refuses values that can be deployed, but would make each delivery fail."""
    for name in ("ExistingQueueArn", "ExistingDeadLetterQueueArn"):
        if after[name] and after[name].split(":")[3] != region:
            raise Refusal(
                f"{name} is in {after[name].split(':')[3]}, and the stack in {region}: "
                "name a queue in the stack's region."
            )
    if not before or before["KmsKeyArn"] == after["KmsKeyArn"]:
        return
    allowed_before, allowed_after = (
        ["", parameters["KmsKeyArn"], *parameters["ExistingKmsKeyArns"].split(",")]
        for parameters in (before, after)
    )
    if after["KmsKeyArn"] not in allowed_before or before["KmsKeyArn"] not in allowed_after:
        raise Refusal(
            "KmsKeyArn changes, and the functions may not use both keys during the change: "
            'see "Change the KMS key" in infra/OPERATIONS.md.'
        )


def kept_parameters(
    template: Mapping, before: Mapping[str, str], overrides: Mapping[str, str]
) -> list[str]:
    """Returns the values that the stack keeps: neither defaults nor given now."""
    declared = template["Parameters"]
    return [
        f"{name}={value}"
        for name, value in sorted(before.items())
        if name in declared
        and name not in {*overrides, "Release"}
        and value != str(declared[name].get("Default", ""))
    ]


def git(*arguments: str) -> str:
    """Runs git in the repository, and returns what it prints."""
    done = subprocess.run(
        ["git", "-C", INFRA, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refusal(f"The version is named after the commit, but git says: {done.stderr.strip()}")
    return done.stdout.strip()


def session_for(found: Mapping) -> boto3.Session:
    """Returns a session with region and profile of samconfig.toml or the environment."""
    # boto3 does not read AWS_REGION, as the AWS CLI and other SDKs do.
    region = found.get("region") or os.environ.get("AWS_REGION")
    try:
        session = boto3.Session(profile_name=found.get("profile"), region_name=region)
    except BotoCoreError as error:
        raise Refusal(f"The AWS profile cannot be used: {error}.") from error
    if not session.region_name:
        raise Refusal("No AWS region is set: export AWS_REGION, such as AWS_REGION=eu-central-1.")
    return session


def account(session: boto3.Session) -> str:
    """Returns the account that the credentials are for."""
    try:
        return session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise Refusal(
            f"AWS credentials are needed: {str(error).rstrip('.')}. "
            "First make `aws sts get-caller-identity` work: see infra/FIRST-DEPLOYMENT.md."
        ) from error


def deployed_stack(session: boto3.Session, stack: str) -> tuple[str, dict[str, str]]:
    """Returns the stack's status and parameters; both are empty if there is no stack."""
    try:
        found = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return "", {}
        raise Refusal(f"The stack {stack} cannot be read: {error}.") from error
    status = found["StackStatus"]
    if status == "REVIEW_IN_PROGRESS":  # a change set that was never executed
        return "", {}
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"):
        raise Refusal(
            f"{stack} is {status}, and nothing can be deployed over it: "
            f"see its events, then `aws cloudformation delete-stack --stack-name {stack}`."
        )
    if status == "UPDATE_ROLLBACK_FAILED":
        raise Refusal(
            f"{stack} is {status}: see its events, "
            f"then `aws cloudformation continue-update-rollback --stack-name {stack}`."
        )
    if status.endswith("_IN_PROGRESS"):
        raise Refusal(f"{stack} is {status}: wait until this has ended.")
    return status, {
        parameter["ParameterKey"]: parameter["ParameterValue"]
        for parameter in found.get("Parameters", [])
    }


def check_tools() -> None:
    """Refuses if a program is missing. Those of `make tools` come first: they include zig."""
    path = [TOOLS / "cargo-lambda/bin", TOOLS / "sam/bin", os.environ["PATH"]]
    os.environ["PATH"] = os.pathsep.join(map(str, path))
    for program, name in (("sam", "SAM CLI"), ("cargo-lambda", "cargo-lambda")):
        if not shutil.which(program):
            raise Refusal(f"{name} is missing: run `make tools`.")


def sam(command: str, *arguments: str) -> None:
    """Runs SAM. Exits if it fails."""
    sys.stdout.flush()
    done = subprocess.run(["sam", command, *arguments], cwd=INFRA, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def main(stage: str = "dev", *arguments: str) -> None:
    """Checks, builds and deploys."""
    environment, found = stage_settings(stage)
    overrides = {**found["parameter_overrides"], **parse(list(arguments))}
    if "Release" in overrides:
        raise Refusal(
            "Take Release out of the parameters: it is named after the commit and the parameters."
        )
    template = yaml_parse((INFRA / "template.yaml").read_text("utf-8"))
    check_tools()
    session = session_for(found)
    stack, region, number = found["stack_name"], session.region_name, account(session)
    commit, dirty = git("rev-parse", "HEAD"), bool(git("status", "--porcelain"))
    status, before = deployed_stack(session, stack)

    after = effective(template, before, overrides)
    check_values(region, effective(template, before, {}) if before else {}, after)
    rolled_back = status == "UPDATE_ROLLBACK_COMPLETE"
    attempt = time.strftime("+%Y%m%dT%H%M%SZ", time.gmtime()) if rolled_back else ""
    overrides["Release"] = release(commit, dirty, after, attempt)
    print(f"{stack} in {region}, account {number}: Release {overrides['Release']}")
    for kept in kept_parameters(template, before, overrides):
        print(f"The stack keeps {kept}, which infra/samconfig.toml does not name.")
    changed = rewired(template, before, after)
    if changed and after["DeploymentStrategy"] != "None":
        if "DeploymentStrategy" not in overrides:  # or None would be kept
            raise Refusal(
                f"DeploymentStrategy={after['DeploymentStrategy']} would be lost, because only the "
                "stack has it: first name it in infra/samconfig.toml."
            )
        overrides["DeploymentStrategy"] = "None"
        print(
            f"{', '.join(changed)} changes: DeploymentStrategy is None this time, "
            "because the running version would fail."
        )

    # Quoted, because SAM drops an empty value without quotes.
    quoted = [f'{name}="{value}"' for name, value in sorted(overrides.items())]
    common = ["--config-env", environment, "--region", region, "--parameter-overrides", *quoted]
    sam("build", *common)
    unattended = os.environ.get("CI") or not sys.stdin.isatty()
    sam("deploy", *common, *(["--no-confirm-changeset"] if unattended else []))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refusal as refusal:
        raise SystemExit(str(refusal)) from None
