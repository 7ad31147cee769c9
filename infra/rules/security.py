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

# The condition without which calls of a service are not allowed.
CONDITIONS = {"dynamodb:": "dynamodb:LeadingKeys", "kms:": "kms:ViaService", "s3:": "aws:ResourceAccount"}
# The example consumer's, which nobody else uses.
OWN_TABLE = "ConsumedEventsTable"


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
            # What ends in :* names the versions of a function, if that has its name.
            wild = [r for r in strings(statement.get("Resource")) if r == "*" or r.endswith(":*") and ".Arn}:" not in r]
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
    description = "Tables, queues, buckets and secrets, and what protects them; but not those of a creation that failed."
    tags = ["data"]

    def match(self, cfn):
        for name, resource in cfn.get_resources(HOLD_DATA).items():
            for policy, value in (("DeletionPolicy", "RetainExceptOnCreate"), ("UpdateReplacePolicy", "Retain")):
                if resource.get(policy) != value:
                    yield RuleMatch(["Resources", name], f"{name} would be lost, or an orphan: {policy} is not {value}")


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
            # Those that roll a deployment back tell CodeDeploy alone.
            silent = properties.get("ActionsEnabled") is False and resource_outputs(cfn, name)
            for key in ("TreatMissingData",) if silent else ("AlarmActions", "TreatMissingData"):
                if not properties.get(key):
                    yield RuleMatch(["Resources", name], f"{name} has no {key}")


class RollbackIsOursAlone(CloudFormationLintRule):
    id = "E9111"
    shortdesc = "A deployment is rolled back by what its new version does"
    description = "What a sender can raise, or the version before, would let anyone stop any deployment."
    tags = ["alarms", "deployment"]

    def match(self, cfn):
        alarms = cfn.get_resources("AWS::CloudWatch::Alarm")
        for name, alarm in alarms.items():
            properties = alarm["Properties"]
            if not resource_outputs(cfn, name):
                continue
            if properties.get("MetricName") not in ("Errors", "Faults"):
                yield RuleMatch(["Resources", name], f"{name} rolls back by what a sender decides")
            if "ExecutedVersion" not in [dimension.get("Name") for dimension in properties.get("Dimensions", [])]:
                yield RuleMatch(["Resources", name], f"{name} rolls back by what another version does")
            if "${RolledBackVersion}" not in str(properties.get("AlarmName")):
                yield RuleMatch(["Resources", name], f"{name} would still ring for the version before")


class NewVersionsAreChecked(CloudFormationLintRule):
    id = "E9112"
    shortdesc = "A version is checked before it gets traffic, and stays when it is replaced"
    description = "A published function has a pre-traffic hook and retains its versions."
    tags = ["deployment"]

    def match(self, cfn):
        for name, function in cfn.get_resources("AWS::Serverless::Function").items():
            properties = function["Properties"]
            if not properties.get("AutoPublishAlias"):
                continue
            hook = properties.get("DeploymentPreference", {}).get("Hooks", {}).get("PreTraffic")
            named = [node for node in alternatives(hook) if isinstance(node, dict) and "Ref" in node]
            for node in named:
                called = cfn.get_resources().get(node["Ref"], {}).get("Properties", {}).get("FunctionName")
                if not any(text.startswith("CodeDeployHook_") for text in strings(called)):
                    yield RuleMatch(["Resources", node["Ref"]], f"CodeDeploy may not call {node['Ref']}")
            if not named:
                yield RuleMatch(["Resources", name], f"{name} has no pre-traffic hook")
            # DeletionPolicy is SAM's: given here, the function itself would have it.
            if function.get("UpdateReplacePolicy") != "Retain" or "DeletionPolicy" in function:
                yield RuleMatch(["Resources", name], f"{name} loses the versions that are replaced")


class NarrowGrants(CloudFormationLintRule):
    id = "E9113"
    shortdesc = "What is allowed is as narrow as AWS can say it"
    description = "A provider's own keys and objects, buckets of this account, keys through services, EC2 for Lambda itself."
    tags = ["security", "iam"]

    def match(self, cfn):
        for path, statement in allowing_statements(cfn):
            actions = set(strings(statement.get("Action")))
            condition = str(statement.get("Condition"))
            for begin, needed in CONDITIONS.items():
                if any(action.startswith(begin) for action in actions) and needed not in condition:
                    if not (begin == "dynamodb:" and OWN_TABLE in str(statement.get("Resource"))):
                        yield RuleMatch(path, f"{begin} without the condition {needed}")
            if "s3:PutObject" in actions and "/${Provider}/*" not in str(statement.get("Resource")):
                yield RuleMatch(path, "s3:PutObject on objects of other providers")
            if any(action.startswith("ec2:") for action in actions) and not denies_ec2_to_code(cfn, path):
                yield RuleMatch(path, "ec2: without a statement that denies it to the function's code")


class PublicDoorsAreLimited(CloudFormationLintRule):
    id = "E9114"
    shortdesc = "The front door is limited, and the only one"
    description = "Stages throttle, and an API with a domain of its own answers under no other name."
    tags = ["security", "api"]

    def match(self, cfn):
        for name, api in cfn.get_resources("AWS::ApiGatewayV2::Api").items():
            if not api["Properties"].get("DisableExecuteApiEndpoint"):
                yield RuleMatch(["Resources", name], f"{name} answers under AWS's name beside its own")
        for name, stage in cfn.get_resources("AWS::ApiGatewayV2::Stage").items():
            settings = stage["Properties"].get("DefaultRouteSettings", {})
            for limit in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
                if not settings.get(limit):
                    yield RuleMatch(["Resources", name], f"{name} has no {limit}")


class QueuesTakeTheLargest(CloudFormationLintRule):
    id = "E9115"
    shortdesc = "Queues take the largest message that SQS knows"
    description = "Below it, messages go through the bucket that need not."
    tags = ["sqs"]

    def match(self, cfn):
        for name, queue in cfn.get_resources("AWS::SQS::Queue").items():
            if queue.get("Properties", {}).get("MaximumMessageSize") != 1048576:
                yield RuleMatch(["Resources", name], f"{name} has another MaximumMessageSize than 1048576")


class LogsTakeAKey(CloudFormationLintRule):
    id = "E9116"
    shortdesc = "Log groups take a key"
    description = "Accounts that ask for a key of their own refuse groups without one."
    tags = ["logs", "encryption"]

    def match(self, cfn):
        for name, group in cfn.get_resources("AWS::Logs::LogGroup").items():
            if {"Ref": "LogKmsKeyArn"} not in list(alternatives(group.get("Properties", {}).get("KmsKeyId"))):
                yield RuleMatch(["Resources", name], f"{name} does not take LogKmsKeyArn")


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


def resource_outputs(cfn, name):
    """The outputs that hand a resource on by its name."""
    outputs = cfn.template.get("Outputs", {})
    return [output for output, given in outputs.items() if given.get("Value") == {"Ref": name}]


def denies_ec2_to_code(cfn, path):
    """Whether a statement next to the one at this path denies EC2 calls to the function's code."""
    statements = cfn.template
    for step in path[:-1]:
        statements = statements[step]
    found = [statement for entry in statements for statement in alternatives(entry)]
    return any(
        statement.get("Effect") == "Deny"
        and "ec2:*" in strings(statement.get("Action"))
        and str(statement.get("Condition", {}).get("Null", {}).get("lambda:SourceFunctionArn")).lower() == "false"
        for statement in found
    )


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
