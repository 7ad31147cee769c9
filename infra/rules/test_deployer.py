"""Shows that deployer-policy.json allows what deploying the templates needs, and no more.

CloudFormation's registry has a schema for each resource type, which names the calls that
CloudFormation makes with the deployer's rights. cfn-lint includes the schemas. Calls for properties
that no template here uses are listed in UNUSED.

Run with cfn-lint's Python: `.tools/cfn-lint/bin/python infra/rules/test_deployer.py`.
"""

import fnmatch
import functools
import json
import os
import pathlib
import types
import unittest

import cfnlint.data
from cfnlint.decode import decode_str
from samtranslator.translator.transform import transform

INFRA = pathlib.Path(__file__).parent.parent
POLICY = json.loads((INFRA / "deployer-policy.json").read_text("utf-8"))
DATA = pathlib.Path(cfnlint.data.__file__).parent
SCHEMAS = DATA / "schemas/resources"
# Each service's actions, and the kinds of resources that a policy may name for each.
IAM = json.loads((DATA / "AdditionalSpecs/Policies.json").read_text("utf-8"))

# The calls of `sam deploy` itself.
SAM = {
    *(
        f"cloudformation:{call}"
        for call in """CreateChangeSet DeleteChangeSet DescribeChangeSet DescribeStackEvents
        DescribeStacks ExecuteChangeSet GetTemplate GetTemplateSummary ListStackResources
        ValidateTemplate""".split()
    ),
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
}
# Calls that the schemas do not name. Each comment names its source, in AWS's documentation.
UNNAMED = {
    # An HTTP API's access log: "Customize HTTP API access logs".
    *(f"logs:{call}LogDelivery" for call in ("Create", "Delete", "Get", "Update")),
    *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies"),
    # The first domain name of an account: "Service-linked roles for API Gateway".
    "iam:CreateServiceLinkedRole",
}
# Calls that the schemas name and no template here needs, with the reason.
UNUSED = {
    "cloudformation:SetStackPolicy": "no stack policy",
    "cloudformation:UpdateTerminationProtection": "nested stacks have none of their own",
    "codedeploy:RegisterOnPremisesInstance": "no servers",
    "dynamodb:*ContributorInsights": "off",
    "dynamodb:*Import*": "tables start empty",
    "dynamodb:*Item": "for replicas",
    "dynamodb:*Replica": "no replicas",
    "dynamodb:*KinesisStreamingDestination": "no stream",
    "dynamodb:Query": "for replicas",
    "dynamodb:Scan": "for replicas",
    "elasticfilesystem:*": "no file system",
    "firehose:*": "logs go nowhere else",
    "iam:*GroupPolicy": "policies are for roles",
    "iam:*UserPolicy": "policies are for roles",
    "kinesis:*": "no stream",
    "kms:ListAliases": "keys are named by ARN",
    "lambda:*ProvisionedConcurrencyConfig": "no provisioned concurrency",
    "lambda:*ScalingConfig": "no capacity provider",
    "lambda:AssociateRuntimeAlias": "Lambda chooses the runtime's version",
    "lambda:GetLayerVersion": "no layers",
    "lambda:PassCapacityProvider": "no capacity provider",
    "lambda:PutFunctionCodeSigningConfig": "code is not signed",
    "lambda:PutFunctionRecursionConfig": "the default",
    "lambda:PutRuntimeManagementConfig": "the default",
    "logs:*IndexPolicy": "no field indexes",
    "logs:CreateLogStream": "for DynamoDB's import",
    "logs:DeleteDataProtectionPolicy": "none",
    "logs:DescribeLogStreams": "for DynamoDB's import",
    "logs:PutBearerTokenAuthentication": "the default",
    "logs:PutDataProtectionPolicy": "none",
    "logs:PutLogEvents": "for DynamoDB's import",
    "logs:PutLogGroupDeletionProtection": "the default",
    "s3:*MetadataAnnotationTable*": "none",
    "s3:*MetadataInventoryTable*": "none",
    "s3:*MetadataJournalTable*": "none",
    "s3:*MetadataTable*": "none",
    "s3:DeleteBucketAnalyticsConfiguration": "none",
    "s3:DeleteBucketCors": "none",
    "s3:DeleteBucketEncryption": "buckets stay encrypted",
    "s3:DeleteBucketLifecycle": "the bucket keeps its lifecycle",
    "s3:DeleteBucketMetricsConfiguration": "none",
    "s3:DeleteBucketReplication": "none",
    "s3:DeleteBucketWebsite": "none",
    "s3:DeleteObject": "for imported or replaced objects",
    "s3:GetObjectMetadata": "for DynamoDB's import",
    "s3:Put*AccelerateConfiguration": "none",
    "s3:Put*Acl": "no ACLs",
    "s3:PutAnalyticsConfiguration": "none",
    "s3:PutIntelligentTieringConfiguration": "none",
    "s3:PutInventoryConfiguration": "none",
    "s3:PutMetricsConfiguration": "none",
    "s3:PutObjectLockConfiguration": "none",
    "s3:PutReplicationConfiguration": "none",
    "s3:REST.PUT.OBJECT": "not an action",
    "s3files:*": "no file system",
    "s3tables:*": "no metadata tables",
    "secretsmanager:*Replica*": "one region",
    "secretsmanager:GetSecretValue": "a value is generated, and never read",
    "sns:PutDataProtectionPolicy": "none",
}


def parse(name: str) -> dict:
    template, errors = decode_str((INFRA / name).read_text("utf-8"))
    assert not errors, errors
    return template


@functools.cache
def used_types() -> set[str]:
    """Returns the types of all resources, including those that SAM makes for a function."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    # SAM's bucket for artifacts, which is in a stack of its own.
    found = {"AWS::S3::Bucket", "AWS::S3::BucketPolicy"}
    for path in INFRA.glob("*.yaml"):
        template = parse(path.name)
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = "s3://artifacts/code"
        parameters = {"DeploymentStrategy": "AllAtOnce", "Provider": "any"}
        expanded = transform(template, parameters, types.SimpleNamespace(load=dict))
        found |= {resource["Type"] for resource in expanded["Resources"].values()}
    return found


@functools.cache
def handlers() -> dict[str, set[str]]:
    """Returns the calls that CloudFormation makes for each resource type."""
    found: dict[str, set[str]] = {}
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text("utf-8"))
        for name, handler in schema.get("handlers", {}).items():
            if name != "list":
                calls = found.setdefault(schema["typeName"], set())
                calls.update(call.strip() for call in handler.get("permissions", []))
    return found


def as_list(value: list | str) -> list[str]:
    return value if isinstance(value, list) else [value]


def matches(action: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(action.lower(), pattern.lower())


def needed() -> set[str]:
    """Returns the calls for the templates' resources, and those of SAM."""
    calls = set().union(*(handlers().get(each, set()) for each in used_types()))
    used = {call for call in calls if not any(matches(call, pattern) for pattern in UNUSED)}
    return used | SAM | UNNAMED


ALLOWED = [action for statement in POLICY["Statement"] for action in as_list(statement["Action"])]


class Deployer(unittest.TestCase):
    def test_every_resource_type_has_a_schema_that_names_its_calls(self) -> None:
        self.assertIn("AWS::CodeDeploy::DeploymentGroup", used_types())
        self.assertEqual(set(), {each for each in used_types() if not handlers().get(each)})

    def test_every_call_is_allowed(self) -> None:
        missing = {
            call for call in needed() if not any(matches(call, action) for action in ALLOWED)
        }
        self.assertEqual(set(), missing)

    def test_calls_that_have_no_resource_are_allowed_on_all(self) -> None:
        """IAM denies a call that has no kind of resource if the statement names a resource."""
        unnamed = {
            f"{service}:{action}"
            for service, known in IAM.items()
            for action, described in known["Actions"].items()
            if not described.get("Resources")
        }
        on_all = [
            action
            for statement in POLICY["Statement"]
            if statement["Resource"] == "*"
            for action in as_list(statement["Action"])
        ]
        denied = {
            call
            for call in needed()
            if call.lower() in unnamed and not any(matches(call, action) for action in on_all)
        }
        self.assertEqual(set(), denied)

    def test_the_policy_fits_into_a_role_with_the_longest_stack_name(self) -> None:
        """A role's inline policies may have 10,240 characters; a managed policy, 6,144."""
        text = json.dumps(POLICY, separators=(",", ":")).replace("STACK", "x" * 48)
        self.assertLessEqual(len(text), 10_240)

    def test_every_allowed_call_is_needed(self) -> None:
        idle = {action for action in ALLOWED if not any(matches(call, action) for call in needed())}
        self.assertEqual(set(), idle)

    def test_every_unused_call_is_still_in_a_schema(self) -> None:
        calls = set().union(*(handlers().get(each, set()) for each in used_types()))
        idle = {each for each in UNUSED if not any(matches(call, each) for call in calls)}
        self.assertEqual(set(), idle)

    def test_resources_are_named_unless_a_statement_is_exempt(self) -> None:
        for statement in POLICY["Statement"]:
            broad = [each for each in as_list(statement["Resource"]) if "STACK" not in each]
            names = [each for each in broad if "sam-cli" not in each and "transform/" not in each]
            self.assertTrue(
                not names
                or statement["Sid"] == "TagsOfEventSourceMappings"
                or "Condition" in statement
                or statement["Sid"] == "TemplatesNotYetStacks",
                statement["Sid"],
            )

    def test_roles_are_passed_only_to_the_services_that_they_trust(self) -> None:
        [passing] = [each for each in POLICY["Statement"] if "iam:PassRole" in each["Action"]]
        services = set(passing["Condition"]["StringEquals"]["iam:PassedToService"])
        trusted: set[str] = set()
        for path in INFRA.glob("*.yaml"):
            for resource in parse(path.name)["Resources"].values():
                if resource["Type"] == "AWS::IAM::Role":
                    trusts = resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
                    trusted |= {trust["Principal"]["Service"] for trust in trusts}
        self.assertEqual(trusted, services)


if __name__ == "__main__":
    unittest.main()
