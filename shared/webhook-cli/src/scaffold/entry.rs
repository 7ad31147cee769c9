//! The parts of a provider in which only the name differs: texts with `{name}`, `{Name}`, `{NAME}`
//! and `{Title}` in its place. They are not copied from an existing provider, because its name may
//! also be another word of the text.

use super::names::Name;

/// Returns the text with the name filled in.
pub(super) fn spelled(text: &str, name: &Name) -> String {
    text.replace("{Name}", &name.pascal())
        .replace("{name}", name.kebab())
        .replace("{NAME}", &name.screaming())
        .replace("{Title}", &name.title())
}

/// Its group among the parameter groups.
pub(super) const LABEL: &str = r"      - Label: { default: {Name} }
        Parameters:
          - Enable{Name}
          - {Name}SignatureSchemes
          - {Name}PublicUrl
          - Existing{Name}SecretArn
";

/// The parameters.
pub(super) const PARAMETERS: &str = r#"  Enable{Name}:
    Type: String
    Default: "true"
    AllowedValues: ["true", "false"]
    Description: Whether webhooks of {Name} are received.
  {Name}SignatureSchemes:
    Type: String
    Default: ""
    AllowedPattern: ^([a-z0-9-]+(,[a-z0-9-]+)*)?$
    MaxLength: 40
    ConstraintDescription: must be scheme names, comma-separated, at most 40 characters, or empty
    Description: Schemes of {Name} that are accepted; any other is refused. Empty means all.
  {Name}PublicUrl:
    Type: String
    Default: ""
    AllowedPattern: ^(https://[A-Za-z0-9.-]+(:[0-9]+)?(/[!-~]*)?)?$
    MaxLength: 80
    ConstraintDescription: must be an https:// URL of at most 80 characters, or empty
    Description: URL as registered with {Name}. Needed only if a scheme signs it.
  Existing{Name}SecretArn:
    Type: String
    Default: ""
    AllowedPattern: ^(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6})?$
    ConstraintDescription: must be a secret's full ARN, with its suffix of six characters, or empty
    Description: ARN of {Name}'s signing secret. Empty means that this stack creates one.
"#;

/// The conditions.
pub(super) const CONDITIONS: &str = r#"  {Name}On: !Equals [!Ref Enable{Name}, "true"]
  {Name}UrlKnown: !And [!Condition {Name}On, !Condition UrlsKnown]
"#;

/// The resource, and the empty line after it.
pub(super) const RESOURCE: &str = r#"  {Name}Provider:
    Type: AWS::CloudFormation::Stack
    Condition: {Name}On
    Properties:
      TemplateURL: provider.yaml
      Parameters:
        Provider: {name}
        FunctionName: !Sub ${AWS::StackName}-{name}
        ExistingSecretArn: !Ref Existing{Name}SecretArn
        SignatureSchemes: !Ref {Name}SignatureSchemes
        PublicUrl: !Ref {Name}PublicUrl
        StackName: !Ref AWS::StackName
        TimestampToleranceSeconds: !Ref TimestampToleranceSeconds
        RetentionSeconds: !Ref RetentionSeconds
        MaxBodyBytes: !Ref MaxBodyBytes
        Architecture: !Ref Architecture
        MemorySize: !Ref MemorySize
        ReservedConcurrency: !Ref ReservedConcurrency
        ThrottlingRateLimit: !Ref ThrottlingRateLimit
        DeploymentStrategy: !Ref DeploymentStrategy
        Release: !Ref Release
        Tracing: !Ref Tracing
        LogLevel: !Ref LogLevel
        LogRetentionDays: !Ref LogRetentionDays
        TableName: !If [CreateTable, !Ref IdempotencyTable, !Ref ExistingTableName]
        QueueArn: !If [CreateQueue, !GetAtt EventQueue.Arn, !Ref ExistingQueueArn]
        PayloadBucketName: !If [CreatePayloadBucket, !Ref PayloadBucket, !Ref ExistingPayloadBucketName]
        ApiId: !If [CreateApi, !Ref Api, !Ref ExistingHttpApiId]
        BaseUrl: !If
          - UseDomain
          - !Sub https://${DomainName}
          - !If [CreateApi, !GetAtt Api.ApiEndpoint, ""]
        AlarmTopicArn: !If [AlarmsOn, !GetAtt Monitoring.Outputs.AlarmTopicArn, ""]
        RuntimePolicyArn: !If [UseTracingOrVpc, !Ref RuntimePolicy, ""]
        KmsKeyArn: !Ref KmsKeyArn
        ExistingKmsKeyArns: !Join [",", !Ref ExistingKmsKeyArns]
        LogKmsKeyArn: !Ref LogKmsKeyArn
        SubnetIds: !Join [",", !Ref SubnetIds]
        SecurityGroupIds: !Join [",", !Ref SecurityGroupIds]
        PermissionsBoundaryArn: !Ref PermissionsBoundaryArn

"#;

/// Its line in the dashboard's list of functions.
pub(super) const FUNCTION_NAME: &str = r"            - !Sub ${AWS::StackName}-{name}
";

/// The outputs.
pub(super) const OUTPUTS: &str = r"  {Name}Url:
    Condition: {Name}UrlKnown
    Description: Register this URL with {Name}.
    Value: !GetAtt {Name}Provider.Outputs.Url
  {Name}SecretArn:
    Condition: {Name}On
    Description: Put the signing secret of {Name} here.
    Value: !GetAtt {Name}Provider.Outputs.SecretArn
  {Name}FunctionName:
    Condition: {Name}On
    Value: !GetAtt {Name}Provider.Outputs.FunctionName
";

/// The function's `Cargo.toml`.
pub(super) const MANIFEST: &str = r#"[package]
name = "{name}"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lints]
workspace = true

[dependencies]
webhook-lambda.workspace = true
webhook-verify.workspace = true
"#;

/// The function's `src/main.rs`.
pub(super) const MAIN: &str = r"//! {Title}'s webhook endpoint. It names the provider, and nothing else.

#![forbid(unsafe_code)]

use webhook_verify::providers::{NAME};

fn main() -> Result<(), webhook_lambda::StartError> {
    webhook_lambda::run({NAME})
}
";

#[cfg(test)]
mod tests {
    use std::{env, fs, path::PathBuf};

    use webhook_verify::providers::PROVIDERS;

    use super::*;

    #[test]
    fn every_provider_matches_the_texts_of_the_scaffold() {
        let read = |path: &str| {
            let path =
                PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests"))
                    .join("../..")
                    .join(path);
            fs::read_to_string(path).expect("is in the repository")
        };
        let template = read("infra/template.yaml");
        for provider in PROVIDERS {
            let name = Name::new(provider.name()).expect("a name");
            let folder = format!("functions/{}", name.kebab());
            assert_eq!(read(&format!("{folder}/Cargo.toml")), spelled(MANIFEST, &name));
            assert_eq!(read(&format!("{folder}/src/main.rs")), spelled(MAIN, &name));
            for text in [LABEL, PARAMETERS, CONDITIONS, RESOURCE, FUNCTION_NAME, OUTPUTS] {
                let text = spelled(text, &name);
                assert!(
                    template.contains(&format!("\n{text}")),
                    "infra/template.yaml lacks:\n{text}"
                );
            }
        }
    }
}
