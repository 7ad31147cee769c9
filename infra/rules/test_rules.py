"""Shows that the templates keep every rule of security.py, and that each rule finds a fault.

Run with cfn-lint's Python: `.tools/cfn-lint/bin/python infra/rules/test_rules.py`.
"""

import pathlib
import unittest

from cfnlint.config import ConfigMixIn
from cfnlint.decode import decode_str
from cfnlint.rules import Rules
from cfnlint.runner import run_template_by_data

RULES = pathlib.Path(__file__).parent
INFRA = RULES.parent
TEMPLATES = sorted(path.name for path in INFRA.glob("*.yaml"))

# The rule, the template, the text to replace (everywhere in the template), and its replacement.
BREAKS = [
    ("E9101", "provider.yaml", "Action: sqs:SendMessage", "Action: sqs:*"),
    (
        "E9101",
        "provider.yaml",
        "[dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:DeleteItem]",
        "[dynamodb:Put*]",
    ),
    (
        "E9101",
        "provider.yaml",
        "Action: secretsmanager:GetSecretValue",
        "NotAction: secretsmanager:PutSecretValue",
    ),
    ("E9102", "template.yaml", "Resource: !GetAtt ExampleConsumerLogGroup.Arn", 'Resource: "*"'),
    (
        "E9102",
        "template.yaml",
        "- arn:${AWS::Partition}:s3:::${Bucket}/*",
        "- arn:${AWS::Partition}:s3:::*",
    ),
    (
        "E9102",
        "template.yaml",
        "[xray:PutTelemetryRecords, xray:PutTraceSegments]",
        "[sqs:SendMessage]",
    ),
    (
        "E9102",
        "provider.yaml",
        'Resource: !Sub "${Function.Arn}:*"',
        'Resource: !Sub "arn:aws:lambda:*:*:function:*"',
    ),
    ("E9102", "monitoring.yaml", "Resource: !Ref AlarmTopic\n", 'Resource: "*"\n'),
    ("E9103", "template.yaml", "SSEEnabled: true", "SSEEnabled: false"),
    (
        "E9103",
        "template.yaml",
        "SqsManagedSseEnabled: !If [UseKmsKey, !Ref AWS::NoValue, true]",
        "# not encrypted",
    ),
    ("E9103", "template.yaml", "      BucketEncryption:\n", "      Tags: [] \n      Metadata:\n"),
    ("E9103", "monitoring.yaml", "      KmsMasterKeyId: !Ref AlarmTopicKey\n", ""),
    ("E9104", "template.yaml", "BlockPublicPolicy: true", "BlockPublicPolicy: false"),
    (
        "E9104",
        "template.yaml",
        "ObjectOwnership: BucketOwnerEnforced",
        "ObjectOwnership: ObjectWriter",
    ),
    ("E9105", "template.yaml", "Queues: [!Ref DeadLetterQueue]", "Queues: [!Ref EventQueue]"),
    ("E9105", "template.yaml", "Action: s3:*", "Action: s3:GetObject"),
    ("E9105", "template.yaml", "aws:SecureTransport: false", "aws:SecureTransport: true"),
    ("E9105", "template.yaml", "SecurityPolicy: TLS_1_2", "SecurityPolicy: TLS_1_0"),
    ("E9105", "monitoring.yaml", "Effect: Deny", "Effect: Allow"),
    ("E9106", "template.yaml", "AttributeName: expires_at_s", "AttributeName: expires_at"),
    ("E9106", "template.yaml", "expires_at_s, Enabled: true", "expires_at_s, Enabled: false"),
    ("E9107", "template.yaml", "      RetentionInDays: !Ref LogRetentionDays\n", ""),
    ("E9107", "provider.yaml", "LogGroup: !Ref LogGroup", "LogGroup: /aws/lambda/elsewhere"),
    (
        "E9108",
        "template.yaml",
        "    DeletionPolicy: RetainExceptOnCreate\n",
        "    DeletionPolicy: Delete\n",
    ),
    (
        "E9108",
        "template.yaml",
        "    DeletionPolicy: RetainExceptOnCreate\n",
        "    DeletionPolicy: Retain\n",
    ),
    ("E9108", "template.yaml", "    UpdateReplacePolicy: Retain\n", ""),
    ("E9108", "provider.yaml", "    DeletionPolicy: RetainExceptOnCreate\n", ""),
    ("E9109", "template.yaml", "      PermissionsBoundary: !If", "      Description: !If"),
    ("E9109", "provider.yaml", "      PermissionsBoundary: !If", "      Path: !If"),
    ("E9109", "provider.yaml", "      Role: !GetAtt Role.Arn\n", ""),
    (
        "E9109",
        "provider.yaml",
        "Role: !If [UseCodeDeploy, !GetAtt DeploymentRole.Arn, !Ref AWS::NoValue]",
        "",
    ),
    ("E9110", "monitoring.yaml", 'See "Dead letters" in infra/ALARMS.md.', "Good luck."),
    ("E9110", "provider-alarms.yaml", "TreatMissingData: notBreaching", "# whatever that means"),
    ("E9110", "provider-alarms.yaml", "AlarmActions: [!Ref AlarmTopicArn]", "AlarmActions: []"),
    ("E9110", "provider-alarms.yaml", "ActionsEnabled: false", "ActionsEnabled: true"),
    ("E9110", "monitoring.yaml", "AlarmActions: [", "ActionsEnabled: false # ["),
    ("E9111", "provider-alarms.yaml", "MetricName: Faults\n", "MetricName: Refusals\n"),
    (
        "E9111",
        "provider-alarms.yaml",
        "        - { Name: ExecutedVersion, Value: !Ref RolledBackVersion }\n",
        "",
    ),
    (
        "E9111",
        "provider-alarms.yaml",
        "-errors-of-version-${RolledBackVersion}",
        "-errors-of-new-version",
    ),
    (
        "E9112",
        "provider.yaml",
        "!If [UseCodeDeploy, !Ref PreTrafficHook, !Ref AWS::NoValue]",
        "!Ref AWS::NoValue",
    ),
    ("E9112", "provider.yaml", "CodeDeployHook_${FunctionName} #", "${FunctionName}-hook #"),
    ("E9112", "provider.yaml", "UpdateReplacePolicy: Retain\n    Metadata", "Metadata"),
    (
        "E9112",
        "provider.yaml",
        "Retain\n    Metadata",
        "Retain\n    DeletionPolicy: Retain\n    Metadata",
    ),
    ("E9113", "provider.yaml", "dynamodb:LeadingKeys", "dynamodb:Attributes"),
    ("E9113", "provider.yaml", "${PayloadBucketName}/${Provider}/*", "${PayloadBucketName}/*"),
    ("E9113", "provider.yaml", "aws:ResourceAccount", "aws:PrincipalAccount"),
    ("E9113", "provider.yaml", "kms:ViaService", "kms:CallerAccount"),
    ("E9113", "template.yaml", "aws:ResourceAccount", "aws:PrincipalAccount"),
    ("E9113", "template.yaml", "kms:ViaService", "kms:CallerAccount"),
    ("E9113", "template.yaml", "lambda:SourceFunctionArn: false", "lambda:SourceFunctionArn: true"),
    (
        "E9114",
        "template.yaml",
        "DisableExecuteApiEndpoint: !If [UseDomain, true, false]",
        "Version: 1",
    ),
    (
        "E9114",
        "template.yaml",
        "        ThrottlingRateLimit: !Ref ThrottlingRateLimit\n        ThrottlingB",
        "        ThrottlingB",
    ),
    ("E9115", "template.yaml", "MaximumMessageSize: 1048576", "MaximumMessageSize: 262144"),
    (
        "E9116",
        "template.yaml",
        "!If [UseLogKmsKey, !Ref LogKmsKeyArn, !Ref AWS::NoValue]",
        "!Ref KmsKeyArn",
    ),
    (
        "E9116",
        "provider.yaml",
        "!If [UseLogKmsKey, !Ref LogKmsKeyArn, !Ref AWS::NoValue]",
        "!Ref KmsKeyArn",
    ),
]


def findings(text):
    """Returns the id and message of all findings of these rules, without cfn-lint's own."""
    template, errors = decode_str(text)
    assert not errors, errors
    rules = Rules.create_from_directory(str(RULES))
    return [
        (match.rule.id, match.message)
        for match in run_template_by_data(template, ConfigMixIn([]), rules)
    ]


class TestRules(unittest.TestCase):
    def test_the_templates_keep_every_rule(self):
        self.assertEqual(
            TEMPLATES, ["monitoring.yaml", "provider-alarms.yaml", "provider.yaml", "template.yaml"]
        )
        for name in TEMPLATES:
            with self.subTest(template=name):
                self.assertEqual(findings((INFRA / name).read_text("utf-8")), [])

    def test_each_rule_finds_a_fault(self):
        for rule, name, old, new in BREAKS:
            with self.subTest(rule=rule, template=name, without=old):
                text = (INFRA / name).read_text("utf-8")
                self.assertIn(old, text, "the template has changed: change BREAKS, too")
                self.assertEqual({found for found, _ in findings(text.replace(old, new))}, {rule})

    def test_every_rule_is_broken_at_least_once(self):
        rules = Rules.create_from_directory(str(RULES))
        self.assertEqual({rule for rule, *_ in BREAKS}, set(rules))


if __name__ == "__main__":
    unittest.main()
