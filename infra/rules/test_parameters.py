"""Shows that the templates are valid with any parameters, and that the patterns are right.

Each combination of parameters is expanded by SAM, its conditions are decided as CloudFormation
does, and the result is linted: a reference to a resource that is not made is a finding. The same is
done with each provider's nested template and the values that it gets. There are about 100,000
combinations; those tested contain each pair of choices at least once.

Run with cfn-lint's Python: `.tools/cfn-lint/bin/python infra/rules/test_parameters.py`.
"""

import itertools
import json
import logging
import os
import pathlib
import re
import types
import unittest

from cfnlint.config import ConfigMixIn
from cfnlint.core import get_rules
from cfnlint.decode import decode_str
from cfnlint.runner import run_template_by_data
from samtranslator.translator.transform import transform

INFRA = pathlib.Path(__file__).parent.parent
TEMPLATE = INFRA / "template.yaml"
PROVIDER = INFRA / "provider.yaml"
ACCOUNT = "us-east-1:000000000000"
KEY = f"arn:aws:kms:{ACCOUNT}:key/00000000-0000-4000-8000-00000000000"
SQS = f"arn:aws:sqs:{ACCOUNT}"
SECRET = f"arn:aws:secretsmanager:{ACCOUNT}:secret"
IAM = "arn:aws:iam::000000000000"
CERTIFICATE = f"arn:aws:acm:{ACCOUNT}:certificate/00000000-0000-4000-8000-000000000000"


def parse(text):
    template, errors = decode_str(text)
    assert not errors, errors
    return template


def providers(template):
    """Returns the providers with an entry in the template, as logical ids spell their names."""
    resources = template["Resources"].items()
    entries = [
        name
        for name, resource in resources
        if resource["Properties"].get("TemplateURL") == PROVIDER.name
    ]
    return [entry.removesuffix("Provider") for entry in entries]


NAMES = providers(parse(TEMPLATE.read_text("utf-8")))

# The choices of a deployer, and the parameters of each option. The first option is the default.
CHOICES = {
    "queue": [
        {},
        {"ExistingQueueArn": f"{SQS}:events.fifo"},
        {"ExistingQueueArn": f"{SQS}:events", "ExistingDeadLetterQueueArn": f"{SQS}:dead"},
    ],
    "door": [
        {},
        {"ExistingHttpApiId": "a1b2c3d4e5"},
        {"FrontDoor": "FunctionUrl", "ReservedConcurrency": "50"},
        {
            "DomainName": "webhooks.example.com",
            "CertificateArn": CERTIFICATE,
            "HostedZoneId": "Z0123456789",
        },
    ],
    "providers": [
        {},
        *({f"Enable{name}": "false"} for name in NAMES),
        {f"Enable{name}": "false" for name in NAMES},
    ],
    "of each provider": [
        {},
        {f"{name}PublicUrl": "https://hooks.example.com/webhooks/name" for name in NAMES}
        | {f"{name}SignatureSchemes": "v1,v2" for name in NAMES},
    ],
    "alarms": [{}, {"Alarms": "false"}, {"AlarmTopicArn": f"arn:aws:sns:{ACCOUNT}:alarms"}],
    "deployment": [{}, {"DeploymentStrategy": "Canary10Percent5Minutes"}],
    "table": [{}, {"ExistingTableName": "records"}],
    "bucket": [{}, {"ExistingPayloadBucketName": "payloads"}],
    "secrets": [{}, {f"Existing{name}SecretArn": f"{SECRET}:name-AbCdEf" for name in NAMES}],
    "key": [
        {},
        {"KmsKeyArn": f"{KEY}0"},
        {"ExistingKmsKeyArns": f"{KEY}1,{KEY}2"},
        {"KmsKeyArn": f"{KEY}0", "ExistingKmsKeyArns": f"{KEY}1,{KEY}2", "LogKmsKeyArn": f"{KEY}3"},
    ],
    "senders": [{}, {"QueueSenderArns": f"{IAM}:role/operators,{IAM}:user/*"}],
    "network": [
        {},
        {"SubnetIds": "subnet-01234567,subnet-89abcdef", "SecurityGroupIds": "sg-01234567"},
    ],
    "boundary": [{}, {"PermissionsBoundaryArn": f"{IAM}:policy/boundary"}],
    "consumer": [{}, {"ExampleConsumer": "true"}],
    "architecture": [
        {},
        {"Architecture": "x86_64", "ReservedConcurrency": "10", "Tracing": "Active"},
    ],
}

# Options that the template's rules refuse together.
REFUSED = [
    ({"Alarms": "false"}, {"DeploymentStrategy": "Canary10Percent5Minutes"}),
    *((queue, CHOICES["senders"][1]) for queue in CHOICES["queue"][1:]),
]

# For each parameter with a pattern: values that it takes, and values that it refuses.
PATTERNS = {
    "AlarmEmail": (["on-call@example.com"], ["example.com", "a b@example.com", "a@b@example.com"]),
    "AlarmTopicArn": (
        [f"arn:aws:sns:{ACCOUNT}:alarms", "arn:aws-us-gov:sns:us-gov-west-1:000000000000:alarms"],
        [f"arn:aws:sns:{ACCOUNT}:alarms.fifo", f"{SQS}:alarms"],
    ),
    "CertificateArn": ([CERTIFICATE], [f"{IAM}:server-certificate/c"]),
    "DomainName": (
        ["webhooks.example.com", "a.b"],
        ["localhost", "Webhooks.example.com", "a-.com", "https://a.com"],
    ),
    "ExistingDeadLetterQueueArn": ([f"{SQS}:dead.fifo", f"{SQS}:dead"], ["dead.fifo"]),
    "ExistingHttpApiId": (
        ["a1b2c3d4e5"],
        ["A1B2C3D4E5", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"],
    ),
    "ExistingPayloadBucketName": (["pay.loads-1"], ["Payloads", "p", "arn:aws:s3:::payloads"]),
    "ExistingQueueArn": (
        [f"{SQS}:events", f"{SQS}:events.fifo"],
        ["https://sqs.us-east-1.amazonaws.com/000000000000/events", f"{SQS}:events.lifo"],
    ),
    "ExistingTableName": (["Team.records_1-a"], ["a", f"arn:aws:dynamodb:{ACCOUNT}:table/records"]),
    "ExistingKmsKeyArns": ([f"{KEY}0"], [f"arn:aws:kms:{ACCOUNT}:alias/webhooks"]),
    "HostedZoneId": (["Z0123456789ABCDEFGHIJ"], ["example.com", "/hostedzone/Z0123456789"]),
    "KmsKeyArn": (
        [f"arn:aws:kms:{ACCOUNT}:key/mrk-0123456789abcdef0123456789abcdef"],
        [f"arn:aws:kms:{ACCOUNT}:alias/webhooks", "00000000-0000-4000-8000-000000000000"],
    ),
    "LogKmsKeyArn": ([f"{KEY}0"], [f"arn:aws:kms:{ACCOUNT}:alias/webhooks"]),
    "PermissionsBoundaryArn": (
        [f"{IAM}:policy/team/boundary", "arn:aws:iam::aws:policy/PowerUserAccess"],
        [f"{IAM}:role/boundary", "boundary"],
    ),
    "QueueSenderArns": (
        [f"{IAM}:role/aws-reserved/sso.amazonaws.com/*_Operators_*", f"{IAM}:user/me"],
        ["operators", "arn:aws:sts::000000000000:assumed-role/operators/me", "*"],
    ),
    "Release": (
        ["1", "v1.2.3", "feature/a+b", "0123456789abcdef0123456789abcdef01234567"],
        ["", "a b", "a" * 65],
    ),
    "ReservedConcurrency": (["1", "1000"], ["0", "01", "-1", "ten"]),
    "SecurityGroupIds": (["sg-01234567", "sg-0123456789abcdef0"], ["default", "sg-0123456g"]),
    "SubnetIds": (["subnet-01234567", "subnet-0123456789abcdef0"], ["us-east-1a", "sg-01234567"]),
    "TimestampToleranceSeconds": (["1", "300", "2592000"], ["0", "-1", "5m", "12345678"]),
}
for name in NAMES:
    PATTERNS[f"Existing{name}SecretArn"] = (
        [f"{SECRET}:team/name-AbCdEf"],
        # Secrets Manager takes the last one, without the suffix, but no role may read that secret.
        ["name", f"arn:aws:ssm:{ACCOUNT}:parameter/name", f"{SECRET}:team/name"],
    )
    PATTERNS[f"{name}SignatureSchemes"] = (["v2", "name-v1,name-v2"], [",", "v1,", "v1, v2", "V1"])
    PATTERNS[f"{name}PublicUrl"] = (
        ["https://hooks.example.com", "https://hooks.example.com:8443/webhooks/name?key=1"],
        ["http://hooks.example.com", "hooks.example.com", "https://", "https://a b"],
    )

# What a provider's stack gets from resources of its parent stack.
MADE = {
    "StackName": "webhooks",
    "FunctionName": "webhooks-name",
    "TableName": "records",
    "QueueArn": f"{SQS}:events.fifo",
    "PayloadBucketName": "payloads",
    "ApiId": "a1b2c3d4e5",
    "BaseUrl": "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
    "AlarmTopicArn": f"arn:aws:sns:{ACCOUNT}:alarms",
    "RuntimePolicyArn": f"{IAM}:policy/runtime",
}


def pairwise():
    """Yields a small number of combinations that contain each pair of two options."""
    allowed = lambda a, b: (a, b) not in REFUSED and (b, a) not in REFUSED  # noqa: E731
    missing = {
        frozenset([(one, i), (other, j)])
        for one, other in itertools.combinations(CHOICES, 2)
        for i, a in enumerate(CHOICES[one])
        for j, b in enumerate(CHOICES[other])
        if allowed(a, b)
    }
    while missing:
        # Begin with a missing pair. For each other choice, take the option that covers most pairs.
        chosen = dict(min(missing, key=sorted))
        for name in (name for name in CHOICES if name not in chosen):
            fitting = [
                index
                for index, choice in enumerate(CHOICES[name])
                if all(allowed(choice, CHOICES[other][taken]) for other, taken in chosen.items())
            ]
            covered = lambda index: sum(
                frozenset([(name, index), pair]) in missing for pair in chosen.items()
            )  # noqa: E731, B023
            chosen[name] = max(fitting, key=covered)
        missing -= {frozenset(pair) for pair in itertools.combinations(chosen.items(), 2)}
        yield {
            key: value
            for name, index in chosen.items()
            for key, value in CHOICES[name][index].items()
        }


def decided(expanded, parameters):
    """Returns an expanded template with its conditions decided: no Fn::If, only what is made."""
    defaults = {
        name: parameter.get("Default") for name, parameter in expanded["Parameters"].items()
    }
    values = {name: parameters.get(name, default) for name, default in defaults.items()}

    def holds(condition):
        ((function, of),) = condition.items()
        if function == "Condition":
            return holds(expanded["Conditions"][of])
        if function == "Fn::Equals":
            return value(of[0]) == value(of[1])
        return {"Fn::And": all, "Fn::Or": any, "Fn::Not": lambda one: not any(one)}[function](
            map(holds, of)
        )

    def value(node):
        # The first item of a list, which shows whether the list is empty.
        if isinstance(node, dict) and "Fn::Select" in node:
            return values[node["Fn::Select"][1]["Ref"]].split(",")[0]
        return values[node["Ref"]] if isinstance(node, dict) else node

    def walk(node):
        if isinstance(node, dict) and "Fn::If" in node:
            condition, yes, no = node["Fn::If"]
            return walk(yes if holds({"Condition": condition}) else no)
        if isinstance(node, dict):
            if (
                "Condition" in node
                and isinstance(node["Condition"], str)
                and not holds({"Condition": node["Condition"]})
            ):
                return NO_VALUE
            walked = {
                key: walk(child) for key, child in node.items() if not is_condition(key, child)
            }
            return {key: child for key, child in walked.items() if child != NO_VALUE}
        if isinstance(node, list):
            return [walked for walked in map(walk, node) if walked != NO_VALUE]
        return node

    is_condition = lambda key, child: key == "Condition" and isinstance(child, str)  # noqa: E731
    left = {
        name: walk(section)
        for name, section in expanded.items()
        if name not in ("Conditions", "Rules", "Metadata")
    }
    for name, parameter in left["Parameters"].items():
        parameter["Default"] = values[name]
    return left


NO_VALUE = {"Ref": "AWS::NoValue"}

# No faults here: parameters that only conditions use, the map that SAM reads, templates for
# `package`, and the alias, which gets the function's UpdateReplacePolicy from SAM.
IGNORED = ["W2001", "W7001", "W3002", "W3011"]


def deployed(text, parameters):
    """Returns what CloudFormation would deploy with these parameters."""
    template = json.loads(json.dumps(parse(text)))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://artifacts/code"
    return decided(transform(template, parameters, types.SimpleNamespace(load=dict)), parameters)


def findings(left, rules):
    """Returns cfn-lint's findings in a deployed template."""
    found = run_template_by_data(parse(json.dumps(left)), ConfigMixIn([]), rules)
    return [f"{match.rule.id} {'/'.join(map(str, match.path))}: {match.message}" for match in found]


def nested(left):
    """Yields the parameters of each provider's stack in a deployed template."""
    values = {name: parameter["Default"] for name, parameter in left["Parameters"].items()}
    for name in providers(left):
        parameters = {}
        for parameter, value in left["Resources"][f"{name}Provider"]["Properties"][
            "Parameters"
        ].items():
            if isinstance(value, dict) and "Fn::Join" in value:  # a list's items
                value = value["Fn::Join"][1]
            if isinstance(value, dict):
                value = values[value["Ref"]] if value.get("Ref") in values else MADE[parameter]
            parameters[parameter] = value
        yield parameters


class TestCombinations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        logging.disable(logging.CRITICAL)
        cls.rules = get_rules([], IGNORED, [])
        cls.text = TEMPLATE.read_text("utf-8")
        cls.provider = PROVIDER.read_text("utf-8")

    def test_every_combination_of_two_choices_lints(self):
        linted = set()
        for parameters in pairwise():
            with self.subTest(parameters=parameters):
                left = deployed(self.text, parameters)
                self.assertEqual(findings(left, self.rules), [])
                for parameters in nested(left):
                    if (key := json.dumps(parameters)) not in linted:
                        linted.add(key)
                        self.assertEqual(
                            findings(deployed(self.provider, parameters), self.rules), []
                        )

    def test_a_provider_is_deployed_if_it_is_on(self):
        for off in ([], NAMES[:1], NAMES):
            left = deployed(self.text, {f"Enable{name}": "false" for name in off})
            on = [name for name in NAMES if name not in off]
            self.assertEqual(providers(left), on)
            outputs = [name for name in left["Outputs"] if name.startswith(tuple(NAMES))]
            self.assertEqual(
                outputs,
                [f"{name}{what}" for name in on for what in ("Url", "SecretArn", "FunctionName")],
            )

    def test_a_reference_to_a_missing_resource_is_found(self):
        self.broken(
            self.text,
            "!If [CreateTable, !Ref IdempotencyTable, !Ref ExistingTableName]",
            "!Ref IdempotencyTable",
            {"ExistingTableName": "records"},
        )
        existing = {f"Existing{name}SecretArn": f"{SECRET}:a-AbCdEf" for name in NAMES}
        parameters = next(nested(deployed(self.text, existing)))
        self.broken(
            self.provider,
            "!If [CreateSecret, !GetAtt Secret.Id, !Ref ExistingSecretArn]",
            "!GetAtt Secret.Id",
            parameters,
        )

    def broken(self, text, old, new, parameters):
        self.assertIn(old, text)
        found = findings(deployed(text.replace(old, new), parameters), self.rules)
        what = new.split()[1].split(".")[0]
        self.assertTrue(found and all(what in finding for finding in found), found)

    def test_the_description_of_a_version_fits_into_256_characters(self):
        description = parse(self.provider)["Resources"]["Function"]["Properties"][
            "VersionDescription"
        ]["Fn::Sub"]
        parameters = parse(self.text)["Parameters"]
        own = ("SignatureSchemes", "PublicUrl")
        longest = {"Release": 64, "TimestampToleranceSeconds": 7}
        for name in set(re.findall(r"\$\{(\w+)\}", description)):
            parameter = parameters[f"{NAMES[0]}{name}" if name in own else name]
            values = (
                [str(parameter["MaxValue"])]
                if "MaxValue" in parameter
                else parameter.get("AllowedValues", [])
            )
            length = longest.get(name) or parameter.get("MaxLength") or max(map(len, values))
            description = description.replace(f"${{{name}}}", "x" * length)
        self.assertLessEqual(len(description), 256)


class TestDeployment(unittest.TestCase):
    """SAM's expansion of a provider's function, its versions and its deployments."""

    @classmethod
    def setUpClass(cls):
        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        logging.disable(logging.CRITICAL)
        cls.text = TEMPLATE.read_text("utf-8")
        cls.provider = PROVIDER.read_text("utf-8")

    def resources(self, parameters):
        left = deployed(self.provider, next(nested(deployed(self.text, parameters))))
        (version,) = [
            name for name, of in left["Resources"].items() if of["Type"] == "AWS::Lambda::Version"
        ]
        return version, left["Resources"]

    def test_a_replaced_version_is_retained(self):
        version, resources = self.resources({})
        policies = [
            resources[version].get(policy) for policy in ("DeletionPolicy", "UpdateReplacePolicy")
        ]
        self.assertEqual(policies, ["Retain", "Retain"])
        self.assertNotIn(
            "DeletionPolicy", resources["Function"], "the function goes with its stack"
        )

    def test_without_codedeploy_no_resource_of_it_is_made(self):
        _, resources = self.resources({})
        types_of = [of["Type"] for of in resources.values()]
        self.assertNotIn("AWS::CodeDeploy::Application", types_of)
        self.assertEqual(
            (types_of.count("AWS::Lambda::Function"), types_of.count("AWS::IAM::Role")), (1, 1)
        )
        self.assertEqual(resources["Alarms"]["Properties"]["Parameters"]["RolledBackVersion"], "")

    def test_a_deployment_has_the_hook_and_the_alarms_of_the_new_version(self):
        version, resources = self.resources({"DeploymentStrategy": "Canary10Percent5Minutes"})
        update = resources["FunctionAliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        self.assertEqual(update["BeforeAllowTrafficHook"], {"Ref": "PreTrafficHook"})
        hook = resources["PreTrafficHook"]["Properties"]
        self.assertEqual(hook["FunctionName"], {"Fn::Sub": "CodeDeployHook_${FunctionName}"})
        self.assertEqual(hook["Environment"]["Variables"]["NEW_VERSION"], {"Ref": version})
        group = resources[update["DeploymentGroupName"]["Ref"]]["Properties"]
        alarms = [
            {"Name": {"Fn::GetAtt": ["Alarms", f"Outputs.{name}"]}}
            for name in ("VersionErrors", "VersionFaults")
        ]
        self.assertEqual(group["AlarmConfiguration"], {"Enabled": True, "Alarms": alarms})
        self.assertEqual(group["ServiceRoleArn"], {"Fn::GetAtt": ["DeploymentRole", "Arn"]})
        rolled_back = resources["Alarms"]["Properties"]["Parameters"]["RolledBackVersion"]
        self.assertEqual(rolled_back, {"Fn::GetAtt": [version, "Version"]})

    def test_the_longest_name_of_a_function_leaves_room_for_its_hook(self):
        pattern = parse(self.provider)["Parameters"]["FunctionName"]["AllowedPattern"]
        self.assertTrue(re.search(pattern, "w" * 49))
        self.assertIsNone(re.search(pattern, "w" * 50))
        self.assertEqual(len("CodeDeployHook_" + "w" * 49), 64, "the most that Lambda allows")


class TestParameters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = parse(TEMPLATE.read_text("utf-8"))
        cls.parameters = cls.template["Parameters"]

    def test_patterns_take_correct_values_and_refuse_nearly_correct_ones(self):
        patterned = {
            name for name, parameter in self.parameters.items() if "AllowedPattern" in parameter
        }
        self.assertEqual(patterned, set(PATTERNS))
        for name, (taken, refused) in PATTERNS.items():
            pattern = self.parameters[name]["AllowedPattern"]
            for value in [*taken, self.parameters[name]["Default"]]:
                self.assertTrue(re.search(pattern, value), f"{name} refuses {value!r}")
            for value in refused:
                self.assertIsNone(re.search(pattern, value), f"{name} takes {value!r}")

    def test_each_parameter_is_bounded_described_and_has_a_default(self):
        for name, parameter in self.parameters.items():
            bounds = {"AllowedValues", "AllowedPattern", "MinValue"} & set(parameter)
            self.assertTrue(bounds, f"{name} takes any value")
            self.assertIn("Default", parameter, name)
            self.assertTrue(
                parameter["Description"].endswith("."),
                f"the description of {name} does not end a sentence",
            )
            if "AllowedPattern" in parameter:
                self.assertTrue(parameter["ConstraintDescription"].startswith("must be "), name)

    def test_each_parameter_is_in_one_group_and_in_the_same_order(self):
        groups = self.template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        grouped = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(grouped, list(self.parameters))


if __name__ == "__main__":
    unittest.main()
