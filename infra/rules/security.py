"""Rules for cfn-lint, for every template in infra/: `cfn-lint -a infra/rules -- infra/*.yaml`.

They see a template before SAM expands it, with the globals merged in. test_rules.py shows that each
finds a fault. Every exception is listed here, with its reason.
"""

from cfnlint.rules import CloudFormationLintRule, RuleMatch

# For these calls, AWS accepts no resource but *.
NEED_EVERY_RESOURCE = {
    # X-Ray's traces have no ARNs.
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    # Lambda's calls to attach a function to a VPC: a network interface that does not exist yet has
    # no ARN.
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}

# Types that hold events, records of events or secrets, and the policies that protect them.
HOLD_DATA = [
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
]

# Types that accept plain HTTP unless a policy refuses it. For each: the policy's type, the property
# in which the policy names the resource, and the action that it denies.
NEED_TLS_POLICY = {
    "AWS::S3::Bucket": ("AWS::S3::BucketPolicy", "Bucket", "s3:*"),
    # A topic's policy may not name sns:*.
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics", "sns:Publish"),
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues", "sqs:*"),
}

# As the code writes it, in shared/webhook-aws and functions/example-consumer.
TTL_ATTRIBUTE = "expires_at_s"

FUNCTIONS = ["AWS::Lambda::Function", "AWS::Serverless::Function"]

NO_VALUE = {"Ref": "AWS::NoValue"}

# The condition that a policy needs to allow calls of a service.
CONDITIONS = {
    "dynamodb:": "dynamodb:LeadingKeys",
    "kms:": "kms:ViaService",
    "s3:": "aws:ResourceAccount",
}
# The table of the example consumer, which no other function uses.
OWN_TABLE = "ConsumedEventsTable"


class NoWildcardActions(CloudFormationLintRule):
    id = "E9101"
    shortdesc = "No * in an allowed action"
    description = "A policy names each call that it allows, except a key's own, which needs kms:*."
    tags = ["security", "iam"]

    def match(self, cfn):
        for path, statement in allowing_statements(cfn):
            if "NotAction" in statement:
                yield RuleMatch(
                    path, "NotAction allows all calls but a few: name those that are made"
                )
            for action in strings(statement.get("Action")):
                if "*" in action:
                    yield RuleMatch(
                        [*path, "Action"],
                        f"{action} allows more than one call: name those that are made",
                    )


class NoWildcardResources(CloudFormationLintRule):
    id = "E9102"
    shortdesc = "No * as an allowed resource"
    description = "A policy names each resource, except for calls for which AWS accepts only *."
    tags = ["security", "iam"]

    def match(self, cfn):
        for path, statement in allowing_statements(cfn):
            if "NotResource" in statement:
                yield RuleMatch(
                    path, "NotResource allows all resources but a few: name those that are used"
                )
            # :* at the end means all versions of a function, if the function's ARN precedes it.
            wild = [
                r
                for r in strings(statement.get("Resource"))
                if r == "*" or r.endswith(":*") and ".Arn}:" not in r
            ]
            if wild and not set(strings(statement.get("Action"))) <= NEED_EVERY_RESOURCE:
                yield RuleMatch(
                    [*path, "Resource"], f"{wild[0]} is every resource: name the one that is used"
                )


class Encrypted(CloudFormationLintRule):
    id = "E9103"
    shortdesc = "Stored data is encrypted"
    description = "Tables, queues, buckets and topics are encrypted under every condition."
    tags = ["security", "encryption"]

    def match(self, cfn):
        for name, properties in under_every_condition(
            cfn, "AWS::DynamoDB::Table", "SSESpecification"
        ):
            if is_not_true((properties.get("SSESpecification") or {}).get("SSEEnabled")):
                yield fault(name, "is not encrypted: SSEEnabled is not true")
        for name, properties in under_every_condition(
            cfn, "AWS::SQS::Queue", "KmsMasterKeyId", "SqsManagedSseEnabled"
        ):
            if not properties.get("KmsMasterKeyId") and is_not_true(
                properties.get("SqsManagedSseEnabled")
            ):
                yield fault(name, "has neither KmsMasterKeyId nor SqsManagedSseEnabled")
        for name, properties in under_every_condition(cfn, "AWS::S3::Bucket", "BucketEncryption"):
            if not properties.get("BucketEncryption"):
                yield fault(name, "has no BucketEncryption")
        for name, properties in under_every_condition(cfn, "AWS::SNS::Topic", "KmsMasterKeyId"):
            if not properties.get("KmsMasterKeyId"):
                yield fault(name, "has no KmsMasterKeyId")


class NoPublicAccess(CloudFormationLintRule):
    id = "E9104"
    shortdesc = "Buckets block public access"
    description = "All four blocks are on, and no ACLs."
    tags = ["security", "s3"]

    def match(self, cfn):
        blocks = (
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        )
        for name, bucket in cfn.get_resources("AWS::S3::Bucket").items():
            properties = bucket.get("Properties", {})
            for block in blocks:
                if is_not_true(properties.get("PublicAccessBlockConfiguration", {}).get(block)):
                    yield fault(name, f"lacks {block}")
            ownership = properties.get("OwnershipControls", {}).get("Rules", [])
            if [rule.get("ObjectOwnership") for rule in ownership] != ["BucketOwnerEnforced"]:
                yield fault(name, "allows ACLs: ObjectOwnership is not BucketOwnerEnforced")


class TlsOnly(CloudFormationLintRule):
    id = "E9105"
    shortdesc = "Nothing accepts plain HTTP"
    description = "Buckets, queues and topics refuse plain HTTP; domains require TLS 1.2."
    tags = ["security", "tls"]

    def match(self, cfn):
        for resource_type, (policy_type, property_name, action) in NEED_TLS_POLICY.items():
            policies = cfn.get_resources(policy_type).values()
            for name in cfn.get_resources(resource_type):
                if not any(
                    self.refuses_plain_http(policy, property_name, name, action)
                    for policy in policies
                ):
                    yield fault(name, f"has no {policy_type} that refuses plain HTTP")
        for name, domain in cfn.get_resources("AWS::ApiGatewayV2::DomainName").items():
            for configuration in domain["Properties"].get("DomainNameConfigurations", []):
                if configuration.get("SecurityPolicy") != "TLS_1_2":
                    yield fault(name, "accepts TLS older than 1.2: set SecurityPolicy to TLS_1_2")

    @staticmethod
    def refuses_plain_http(policy, property_name, name, action):
        named = policy["Properties"].get(property_name)
        if {"Ref": name} not in (named if isinstance(named, list) else [named]):
            return False
        return any(
            statement.get("Effect") == "Deny"
            and statement.get("Principal") == "*"
            and action in strings(statement.get("Action"))
            and str(
                statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
            ).lower()
            == "false"
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        )


class TtlAttribute(CloudFormationLintRule):
    id = "E9106"
    shortdesc = "Tables expire their items by the attribute that the code writes"
    description = "With another name, items would never expire, without an error."
    tags = ["dynamodb"]

    def match(self, cfn):
        for name, table in cfn.get_resources("AWS::DynamoDB::Table").items():
            ttl = table.get("Properties", {}).get("TimeToLiveSpecification", {})
            if ttl.get("AttributeName") != TTL_ATTRIBUTE or is_not_true(ttl.get("Enabled")):
                yield fault(name, f"does not expire items by {TTL_ATTRIBUTE}")


class LogsExpire(CloudFormationLintRule):
    id = "E9107"
    shortdesc = "Log groups have a retention, and functions log to them"
    description = "Lambda creates a missing log group, and keeps its logs for ever."
    tags = ["logs"]

    def match(self, cfn):
        groups = cfn.get_resources("AWS::Logs::LogGroup")
        for name, group in groups.items():
            if not group.get("Properties", {}).get("RetentionInDays"):
                yield fault(name, "has no RetentionInDays")
        for name, function in cfn.get_resources(FUNCTIONS).items():
            group = function["Properties"].get("LoggingConfig", {}).get("LogGroup")
            if group not in [{"Ref": name} for name in groups]:
                yield fault(name, "does not log to a group of this template")


class DataIsRetained(CloudFormationLintRule):
    id = "E9108"
    shortdesc = "Data outlives the stack"
    description = (
        "Tables, queues, buckets, secrets and their policies stay, unless the creation failed."
    )
    tags = ["data"]

    def match(self, cfn):
        for name, resource in cfn.get_resources(HOLD_DATA).items():
            for policy, value in (
                ("DeletionPolicy", "RetainExceptOnCreate"),
                ("UpdateReplacePolicy", "Retain"),
            ):
                if resource.get(policy) != value:
                    yield fault(name, f"would be lost, or left behind: {policy} is not {value}")


class RolesAreBounded(CloudFormationLintRule):
    id = "E9109"
    shortdesc = "Every role has the permissions boundary"
    description = "Accounts that require one refuse roles without it, such as those that SAM makes."
    tags = ["security", "iam"]

    def match(self, cfn):
        for name, role in cfn.get_resources("AWS::IAM::Role").items():
            if not role.get("Properties", {}).get("PermissionsBoundary"):
                yield fault(name, "has no PermissionsBoundary")
        for name, function in cfn.get_resources(FUNCTIONS).items():
            properties = function["Properties"]
            for what in (
                properties,
                properties.get("DeploymentPreference", {"Role": "needs none"}),
            ):
                if not what.get("Role"):
                    yield fault(name, "leaves a role to SAM, which makes it without a boundary")


class AlarmsTellWhatToDo(CloudFormationLintRule):
    id = "E9110"
    shortdesc = "Every alarm notifies somebody and says what to do"
    description = (
        "It has a topic, TreatMissingData, and the name of its section in infra/ALARMS.md."
    )
    tags = ["alarms"]

    def match(self, cfn):
        for name, alarm in cfn.get_resources("AWS::CloudWatch::Alarm").items():
            properties = alarm["Properties"]
            description = str(properties.get("AlarmDescription", ""))
            if 'See "' not in description or not description.endswith('" in infra/ALARMS.md.'):
                yield fault(name, "does not name its section of infra/ALARMS.md")
            # Alarms that roll a deployment back are only for CodeDeploy.
            silent = properties.get("ActionsEnabled") is False and resource_outputs(cfn, name)
            for key in ("TreatMissingData",) if silent else ("AlarmActions", "TreatMissingData"):
                if not properties.get(key):
                    yield fault(name, f"has no {key}")


class RollbackIsOursAlone(CloudFormationLintRule):
    id = "E9111"
    shortdesc = "Only faults of the new version roll a deployment back"
    description = (
        "If a sender or the old version could raise the alarm, either could stop a deployment."
    )
    tags = ["alarms", "deployment"]

    def match(self, cfn):
        alarms = cfn.get_resources("AWS::CloudWatch::Alarm")
        for name, alarm in alarms.items():
            properties = alarm["Properties"]
            if not resource_outputs(cfn, name):
                continue
            if properties.get("MetricName") not in ("Errors", "Faults"):
                yield fault(name, "watches a metric that a sender can raise")
            if "ExecutedVersion" not in [
                dimension.get("Name") for dimension in properties.get("Dimensions", [])
            ]:
                yield fault(name, "watches other versions: add ExecutedVersion")
            if "${RolledBackVersion}" not in str(properties.get("AlarmName")):
                yield fault(name, "may fire for the last version: its name needs the version")


class NewVersionsAreChecked(CloudFormationLintRule):
    id = "E9112"
    shortdesc = "A version is checked before it gets traffic, and kept when it is replaced"
    description = "A function with published versions has a pre-traffic hook and retains them."
    tags = ["deployment"]

    def match(self, cfn):
        for name, function in cfn.get_resources("AWS::Serverless::Function").items():
            properties = function["Properties"]
            if not properties.get("AutoPublishAlias"):
                continue
            hook = properties.get("DeploymentPreference", {}).get("Hooks", {}).get("PreTraffic")
            named = [
                node for node in alternatives(hook) if isinstance(node, dict) and "Ref" in node
            ]
            for node in named:
                called = (
                    cfn.get_resources()
                    .get(node["Ref"], {})
                    .get("Properties", {})
                    .get("FunctionName")
                )
                if not any(text.startswith("CodeDeployHook_") for text in strings(called)):
                    yield fault(
                        node["Ref"],
                        "may not be called by CodeDeploy: its name must begin with CodeDeployHook_",
                    )
            if not named:
                yield fault(name, "has no pre-traffic hook")
            # A DeletionPolicy given here would also apply to the function itself.
            if function.get("UpdateReplacePolicy") != "Retain" or "DeletionPolicy" in function:
                yield fault(
                    name, "loses replaced versions: set UpdateReplacePolicy, and no DeletionPolicy"
                )


class NarrowGrants(CloudFormationLintRule):
    id = "E9113"
    shortdesc = "Permissions are as narrow as AWS can express"
    description = (
        "Only a provider's own keys and objects, buckets of this account, KMS through services, "
        "and EC2 for Lambda itself."
    )
    tags = ["security", "iam"]

    def match(self, cfn):
        for path, statement in allowing_statements(cfn):
            actions = set(strings(statement.get("Action")))
            condition = str(statement.get("Condition"))
            for begin, needed in CONDITIONS.items():
                if any(action.startswith(begin) for action in actions) and needed not in condition:
                    if not (begin == "dynamodb:" and OWN_TABLE in str(statement.get("Resource"))):
                        yield RuleMatch(path, f"{begin}* is allowed without the condition {needed}")
            if "s3:PutObject" in actions and "/${Provider}/*" not in str(statement.get("Resource")):
                yield RuleMatch(path, "s3:PutObject is allowed on objects of other providers")
            if any(action.startswith("ec2:") for action in actions) and not denies_ec2_to_code(
                cfn, path
            ):
                yield RuleMatch(path, "ec2:* is not denied to the function's code")


class PublicDoorsAreLimited(CloudFormationLintRule):
    id = "E9114"
    shortdesc = "The API is throttled, and has one name"
    description = "Stages throttle, and an API with a domain does not answer under AWS's name."
    tags = ["security", "api"]

    def match(self, cfn):
        for name, api in cfn.get_resources("AWS::ApiGatewayV2::Api").items():
            if not api["Properties"].get("DisableExecuteApiEndpoint"):
                yield fault(name, "also answers under AWS's name: set DisableExecuteApiEndpoint")
        for name, stage in cfn.get_resources("AWS::ApiGatewayV2::Stage").items():
            settings = stage["Properties"].get("DefaultRouteSettings", {})
            for limit in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
                if not settings.get(limit):
                    yield fault(name, f"has no {limit}")


class QueuesTakeTheLargest(CloudFormationLintRule):
    id = "E9115"
    shortdesc = "Queues accept the largest message that SQS allows"
    description = "With a lower limit, more messages than necessary go through the bucket."
    tags = ["sqs"]

    def match(self, cfn):
        for name, queue in cfn.get_resources("AWS::SQS::Queue").items():
            if queue.get("Properties", {}).get("MaximumMessageSize") != 1048576:
                yield fault(name, "needs a MaximumMessageSize of 1048576")


class LogsTakeAKey(CloudFormationLintRule):
    id = "E9116"
    shortdesc = "Log groups can have a KMS key"
    description = "Accounts that require their own key refuse log groups without it."
    tags = ["logs", "encryption"]

    def match(self, cfn):
        for name, group in cfn.get_resources("AWS::Logs::LogGroup").items():
            if {"Ref": "LogKmsKeyArn"} not in list(
                alternatives(group.get("Properties", {}).get("KmsKeyId"))
            ):
                yield fault(name, "does not use LogKmsKeyArn as its KmsKeyId")


# ---- What the rules share ----


def fault(name, text):
    """Returns a finding for a resource, whose text begins with the resource's name."""
    return RuleMatch(["Resources", name], f"{name} {text}")


def allowing_statements(cfn):
    """Yields each allowing statement and its path. Not in keys' policies, whose * is the key."""
    for name, resource in cfn.get_resources().items():
        for path, document in documents(
            resource.get("Properties", {}), ["Resources", name, "Properties"]
        ):
            if path[-1] == "KeyPolicy":
                continue
            for index, entry in enumerate(document["Statement"]):
                for statement in alternatives(entry):
                    if isinstance(statement, dict) and statement.get("Effect") == "Allow":
                        yield [*path, "Statement", index], statement


def resource_outputs(cfn, name):
    """Returns the outputs whose value is a `Ref` to the resource."""
    outputs = cfn.template.get("Outputs", {})
    return [output for output, given in outputs.items() if given.get("Value") == {"Ref": name}]


def denies_ec2_to_code(cfn, path):
    """Returns whether a statement of the same policy denies EC2 calls to the function's code."""
    statements = cfn.template
    for step in path[:-1]:
        statements = statements[step]
    found = [statement for entry in statements for statement in alternatives(entry)]
    return any(
        statement.get("Effect") == "Deny"
        and "ec2:*" in strings(statement.get("Action"))
        and str(
            statement.get("Condition", {}).get("Null", {}).get("lambda:SourceFunctionArn")
        ).lower()
        == "false"
        for statement in found
    )


def documents(node, path):
    """Yields each policy document under the node, with its path."""
    if isinstance(node, dict):
        if isinstance(node.get("Statement"), list):
            yield path, node
            return
        for key, value in node.items():
            yield from documents(value, [*path, key])
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from documents(value, [*path, index])


def alternatives(node):
    """Yields what the node can be once each Fn::If at its top is decided."""
    if isinstance(node, dict) and "Fn::If" in node:
        for branch in node["Fn::If"][1:]:
            yield from alternatives(branch)
    elif node != NO_VALUE:
        yield node


def strings(node):
    """Yields the strings that a node or a list of nodes can be. For a Fn::Sub, its text."""
    for alternative in alternatives(node):
        if isinstance(alternative, str):
            yield alternative
        elif isinstance(alternative, list):
            for item in alternative:
                yield from strings(item)
        elif isinstance(alternative, dict) and "Fn::Sub" in alternative:
            text = alternative["Fn::Sub"]
            yield text if isinstance(text, str) else text[0]


def under_every_condition(cfn, resource_type, *property_names):
    """Yields each resource's name and those properties, once per outcome of its conditions."""
    for name, resource in cfn.get_resources(resource_type).items():
        given = resource.get("Properties", {})
        # Name is added, because cfn-lint drops a scenario without any property.
        properties = {"Name": name, **{key: given[key] for key in property_names if key in given}}
        for scenario in cfn.get_object_without_conditions(properties):
            yield name, scenario["Object"]


def is_not_true(value):
    return str(value).lower() != "true"
