"""What every template in infra/ must hold, as rules for cfn-lint: `cfn-lint -a infra/rules -- infra/*.yaml`.

They see the template before SAM expands it, with the globals merged in. test_rules.py shows that each bites. An
exception is listed here, with its reason, or it is none.
"""

from cfnlint.rules import CloudFormationLintRule, RuleMatch

# For these calls AWS knows no narrower resource than all of them.
NEED_EVERY_RESOURCE = {
    # X-Ray's traces have no names.
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    # What Lambda calls to attach a function to a VPC: EC2 cannot name a network interface that does not exist yet.
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}

# Types whose loss is a loss of events, of what is known about them, or of secrets; and what protects those.
HOLD_DATA = [
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
]

# What takes requests over plain HTTP unless a policy refuses them: the policy's type, where it names it, the action.
NEED_TLS_POLICY = {
    "AWS::S3::Bucket": ("AWS::S3::BucketPolicy", "Bucket", "s3:*"),
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics", "sns:Publish"),  # sns:* is refused in a topic's policy
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues", "sqs:*"),
}

# The code's name for it, in shared/webhook-aws and functions/example-consumer.
TTL_ATTRIBUTE = "expires_at_s"

FUNCTIONS = ["AWS::Lambda::Function", "AWS::Serverless::Function"]

NO_VALUE = {"Ref": "AWS::NoValue"}


class NoWildcardActions(CloudFormationLintRule):
    id = "E9101"
    shortdesc = "No * in an allowed action"
    description = "A policy that allows names each call. Exempt is a key's own policy, where the account needs kms:*."
    tags = ["security", "iam"]

    def match(self, cfn):
        for path, statement in allowing_statements(cfn):
            if "NotAction" in statement:
                yield RuleMatch(path, "NotAction allows all calls but some: name those that are made")
            for action in strings(statement.get("Action")):
                if "*" in action:
                    yield RuleMatch([*path, "Action"], f"{action} allows more than one call: name those that are made")


class NoWildcardResources(CloudFormationLintRule):
    id = "E9102"
    shortdesc = "No * as an allowed resource"
    description = "A policy that allows names each resource, except for the calls for which AWS knows nothing narrower."
    tags = ["security", "iam"]

    def match(self, cfn):
        for path, statement in allowing_statements(cfn):
            if "NotResource" in statement:
                yield RuleMatch(path, "NotResource allows all resources but some: name those that are used")
            wild = [r for r in strings(statement.get("Resource")) if r == "*" or r.endswith(":*")]
            if wild and not set(strings(statement.get("Action"))) <= NEED_EVERY_RESOURCE:
                yield RuleMatch([*path, "Resource"], f"{wild[0]} is every resource: name the one that is used")


class Encrypted(CloudFormationLintRule):
    id = "E9103"
    shortdesc = "What is stored is encrypted"
    description = "Tables, queues, buckets and topics are encrypted under every condition."
    tags = ["security", "encryption"]

    def match(self, cfn):
        for name, properties in under_every_condition(cfn, "AWS::DynamoDB::Table", "SSESpecification"):
            if is_not_true((properties.get("SSESpecification") or {}).get("SSEEnabled")):
                yield RuleMatch(["Resources", name], f"{name} is not encrypted: SSEEnabled is not true")
        for name, properties in under_every_condition(cfn, "AWS::SQS::Queue", "KmsMasterKeyId", "SqsManagedSseEnabled"):
            if not properties.get("KmsMasterKeyId") and is_not_true(properties.get("SqsManagedSseEnabled")):
                yield RuleMatch(["Resources", name], f"{name} has neither KmsMasterKeyId nor SqsManagedSseEnabled")
        for name, properties in under_every_condition(cfn, "AWS::S3::Bucket", "BucketEncryption"):
            if not properties.get("BucketEncryption"):
                yield RuleMatch(["Resources", name], f"{name} has no BucketEncryption")
        for name, properties in under_every_condition(cfn, "AWS::SNS::Topic", "KmsMasterKeyId"):
            if not properties.get("KmsMasterKeyId"):
                yield RuleMatch(["Resources", name], f"{name} has no KmsMasterKeyId")


class NoPublicAccess(CloudFormationLintRule):
    id = "E9104"
    shortdesc = "Buckets block public access"
    description = "All four blocks are on, and no ACLs."
    tags = ["security", "s3"]

    def match(self, cfn):
        blocks = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        for name, bucket in cfn.get_resources("AWS::S3::Bucket").items():
            properties = bucket.get("Properties", {})
            for block in blocks:
                if is_not_true(properties.get("PublicAccessBlockConfiguration", {}).get(block)):
                    yield RuleMatch(["Resources", name], f"{name} lacks {block}")
            ownership = properties.get("OwnershipControls", {}).get("Rules", [])
            if [rule.get("ObjectOwnership") for rule in ownership] != ["BucketOwnerEnforced"]:
                yield RuleMatch(["Resources", name], f"{name} allows ACLs: ObjectOwnership is not BucketOwnerEnforced")


class TlsOnly(CloudFormationLintRule):
    id = "E9105"
    shortdesc = "Nothing answers over plain HTTP"
    description = "Each bucket, queue and topic has a policy that refuses plain HTTP; domains take TLS 1.2 at least."
    tags = ["security", "tls"]

    def match(self, cfn):
        for resource_type, (policy_type, property_name, action) in NEED_TLS_POLICY.items():
            policies = cfn.get_resources(policy_type).values()
            for name in cfn.get_resources(resource_type):
                if not any(self.refuses_plain_http(policy, property_name, name, action) for policy in policies):
                    yield RuleMatch(["Resources", name], f"{name} has no {policy_type} that refuses plain HTTP")
        for name, domain in cfn.get_resources("AWS::ApiGatewayV2::DomainName").items():
            for configuration in domain["Properties"].get("DomainNameConfigurations", []):
                if configuration.get("SecurityPolicy") != "TLS_1_2":
                    yield RuleMatch(["Resources", name], f"{name} takes TLS older than 1.2")

    @staticmethod
    def refuses_plain_http(policy, property_name, name, action):
        named = policy["Properties"].get(property_name)
        if {"Ref": name} not in (named if isinstance(named, list) else [named]):
            return False
        return any(
            statement.get("Effect") == "Deny"
            and statement.get("Principal") == "*"
            and action in strings(statement.get("Action"))
            and str(statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")).lower() == "false"
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        )


class TtlAttribute(CloudFormationLintRule):
    id = "E9106"
    shortdesc = "Tables expire their items by the attribute that the code writes"
    description = "Spelt otherwise, nothing would ever expire, and nothing would say so."
    tags = ["dynamodb"]

    def match(self, cfn):
        for name, table in cfn.get_resources("AWS::DynamoDB::Table").items():
            ttl = table.get("Properties", {}).get("TimeToLiveSpecification", {})
            if ttl.get("AttributeName") != TTL_ATTRIBUTE or is_not_true(ttl.get("Enabled")):
                yield RuleMatch(["Resources", name], f"{name} does not expire items by {TTL_ATTRIBUTE}")


class LogsExpire(CloudFormationLintRule):
    id = "E9107"
    shortdesc = "Logs go where a retention is set"
    description = "A function without a group of its own would make one that keeps its logs for ever."
    tags = ["logs"]

    def match(self, cfn):
        groups = cfn.get_resources("AWS::Logs::LogGroup")
        for name, group in groups.items():
            if not group.get("Properties", {}).get("RetentionInDays"):
                yield RuleMatch(["Resources", name], f"{name} has no RetentionInDays")
        for name, function in cfn.get_resources(FUNCTIONS).items():
            group = function["Properties"].get("LoggingConfig", {}).get("LogGroup")
            if group not in [{"Ref": name} for name in groups]:
                yield RuleMatch(["Resources", name], f"{name} does not log to a group of this template")


class DataIsRetained(CloudFormationLintRule):
    id = "E9108"
    shortdesc = "What holds data outlives the stack"
    description = "Tables, queues, buckets and secrets, and the policies that protect them, are retained."
    tags = ["data"]

    def match(self, cfn):
        for name, resource in cfn.get_resources(HOLD_DATA).items():
            for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
                if resource.get(policy) != "Retain":
                    yield RuleMatch(["Resources", name], f"{name} would be lost: {policy} is not Retain")


class RolesAreBounded(CloudFormationLintRule):
    id = "E9109"
    shortdesc = "Every role takes the permissions boundary"
    description = "Accounts that ask for one refuse a role without it, such as those that SAM makes by itself."
    tags = ["security", "iam"]

    def match(self, cfn):
        for name, role in cfn.get_resources("AWS::IAM::Role").items():
            if not role.get("Properties", {}).get("PermissionsBoundary"):
                yield RuleMatch(["Resources", name], f"{name} has no PermissionsBoundary")
        for name, function in cfn.get_resources(FUNCTIONS).items():
            properties = function["Properties"]
            for what in (properties, properties.get("DeploymentPreference", {"Role": "needs none"})):
                if not what.get("Role"):
                    yield RuleMatch(["Resources", name], f"{name} leaves a role to SAM, which would not bound it")


class AlarmsTellWhatToDo(CloudFormationLintRule):
    id = "E9110"
    shortdesc = "Every alarm reaches somebody, and tells what to do"
    description = "It has a topic, says what missing data means, and names its section of infra/OPERATIONS.md."
    tags = ["alarms"]

    def match(self, cfn):
        for name, alarm in cfn.get_resources("AWS::CloudWatch::Alarm").items():
            properties = alarm["Properties"]
            description = str(properties.get("AlarmDescription", ""))
            if 'See "' not in description or not description.endswith('" in infra/OPERATIONS.md.'):
                yield RuleMatch(["Resources", name], f"{name} does not name its section of infra/OPERATIONS.md")
            for key in ("AlarmActions", "TreatMissingData"):
                if not properties.get(key):
                    yield RuleMatch(["Resources", name], f"{name} has no {key}")


# ---- What the rules share ----


def allowing_statements(cfn):
    """Each statement that allows, with its path, in every policy but a KMS key's: there, the resource * is the key."""
    for name, resource in cfn.get_resources().items():
        for path, document in documents(resource.get("Properties", {}), ["Resources", name, "Properties"]):
            if path[-1] == "KeyPolicy":
                continue
            for index, entry in enumerate(document["Statement"]):
                for statement in alternatives(entry):
                    if isinstance(statement, dict) and statement.get("Effect") == "Allow":
                        yield [*path, "Statement", index], statement


def documents(node, path):
    """Each policy document under the node, with its path."""
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
    """What the node may be, once every Fn::If on top of it is decided."""
    if isinstance(node, dict) and "Fn::If" in node:
        for branch in node["Fn::If"][1:]:
            yield from alternatives(branch)
    elif node != NO_VALUE:
        yield node


def strings(node):
    """The strings that a node, or a list of them, may be; of a Fn::Sub its text."""
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
    """Each resource's name with those properties, once for each way that its conditions can turn out."""
    for name, resource in cfn.get_resources(resource_type).items():
        given = resource.get("Properties", {})
        # A property more, because cfn-lint leaves out a scenario in which none is left.
        properties = {"Name": name, **{key: given[key] for key in property_names if key in given}}
        for scenario in cfn.get_object_without_conditions(properties):
            yield name, scenario["Object"]


def is_not_true(value):
    return str(value).lower() != "true"
