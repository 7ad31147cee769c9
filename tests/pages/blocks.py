"""What the reader has before each block of the pages, and what the block must print.

Each page has its blocks in the page's order, each with a text that is in it. They share one shell.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """A block that runs here."""

    #: Commands before it: what its reader has.
    before: str = ""
    #: Regular expressions that its output must match.
    says: tuple[str, ...] = ()
    #: Whether its last command must fail.
    fails: bool = False
    #: Whether it stays, as a server does, until the page's end.
    stays: bool = False
    #: Commands after it: what must be true then.
    after: str = ""


@dataclass(frozen=True)
class NotHere:
    """A block that does not run here, and why."""

    why: str


#: The files that the pages, and the commands here, write into the repository's root.
WRITTEN = (
    "body.json",
    "deployer-policy.json",
    "envelope.json",
    "event.json",
    "headers.txt",
    "key.txt",
    "new-secret.txt",
    "old-secret.txt",
    "received.json",
    "secret.txt",
    "trust.json",
)

DEMO = NotHere("tests/pages/run compares what `make demo` prints; CI runs `make test`")
SAMPLES = NotHere("compiles the tests again; the suite `samples` checks the files")
COPY = NotHere("run by tests/copy/run")
DEPLOYS = NotHere("run by tests/deploy, with the real SAM")
PINWHEEL = NotHere("calls Pinwheel")
LONG = NotHere("takes minutes to hours")
ARM64 = NotHere("compiles for arm64")
VERSION_2 = NotHere("needs version 2 of the AWS CLI, which is not on PyPI")

#: The host of an API in the emulator has no address, so what is sent goes to the inspector.
REACHABLE = "PINWHEEL_URL=http://127.0.0.1:4880/webhooks/pinwheel"
#: The variables that infra/OPERATIONS.md sets, for the pages that rely on them.
VARIABLES = f"""
eval "$(sed -n '/^STACK=/,/^```/p' infra/OPERATIONS.md | grep -v '^```')"
{REACHABLE}
"""
#: A new secret, in the file that the block reads.
NEW_SECRET = "(umask 077; echo 'a-new-secret-of-the-provider' > new-secret.txt)"
BACK_TO_DEVELOPMENT_SECRET = """
aws secretsmanager put-secret-value --secret-id "$PINWHEEL_SECRET" \\
  --secret-string development-secret-for-local-use-only > /dev/null
"""


def event(name: str) -> str:
    """Returns a command that sends an event with this id, signed with the development secret."""
    body = f'{{"event_id":"{name}","event":"account.added","payload":{{"account_id":"{name}"}}}}'
    return f"echo '{body}' | cargo webhook send pinwheel --url \"$PINWHEEL_URL\" > /dev/null\n"


#: Puts the next message of the queue into the dead-letter queue, as if consumers had failed.
DEAD_LETTER = """
aws sqs send-message --queue-url "$DEAD_LETTER_QUEUE_URL" --message-group-id pinwheel \\
  --message-deduplication-id "$RANDOM" --message-body "$(aws sqs receive-message \\
  --queue-url "$QUEUE_URL" --query 'Messages[0].Body' --output text)" > /dev/null
"""

#: A delivery of GitHub's whose body was parsed and written again on its way.
RESPELLED = """
umask 077
printf %s a-signing-secret-of-some-length > secret.txt
echo '{"zen": "Keep it logically awesome."}' > body.json
echo "X-Hub-Signature-256: sha256=$(printf %s '{"zen":"Keep it logically awesome."}' |
  openssl dgst -sha256 -hmac "$(cat secret.txt)" | sed 's/.* //')" > headers.txt
"""
#: A function of `cargo lambda watch`, which is started by the block of docs/local.md.
WATCHED = """
for second in {1..60}; do
  ! curl --silent --output /dev/null http://127.0.0.1:9000/ || break
  sleep 1
done
"""

#: Versions 2 to 13 of the function.
THIRTEEN_VERSIONS = """
for number in {2..13}; do
  aws lambda update-function-configuration --function-name "$PINWHEEL_FUNCTION" \\
    --description "$number" > /dev/null
  aws lambda wait function-updated-v2 --function-name "$PINWHEEL_FUNCTION"
  aws lambda publish-version --function-name "$PINWHEEL_FUNCTION" > /dev/null
done
"""
TEN_VERSIONS = """
[[ $(aws lambda list-versions-by-function --function-name "$PINWHEEL_FUNCTION" \\
  --query 'Versions[].Version' --output text | xargs) \\
  == '$LATEST 4 5 6 7 8 9 10 11 12 13' ]]
"""

PAGES: dict[str, list[tuple[str, Run | NotHere]]] = {
    "README.md": [
        ("make demo", DEMO),
        ("explain github", Run(before=RESPELLED, fails=True)),
        ("cargo install", COPY),
        ("git rm", COPY),
        ("provider add", COPY),
        ("make deploy", DEPLOYS),
    ],
    "CONTRIBUTING.md": [],
    "SECURITY.md": [("cost.py", Run(says=(r"\$",)))],
    "RELIABILITY.md": [
        ("SIMULATION_SEEDS", LONG),
        ("small_scope", LONG),
        ("make reliability", LONG),
        ("make fuzz", LONG),
        ("make mutants", LONG),
    ],
    "docs/local.md": [
        ("make dev", NotHere("the stack in which these blocks run")),
        ("jq -j", Run(says=(r"(?m)^200 OK$", r'\{"status":"accepted","id":'))),
        ("cargo lambda watch", Run(stays=True)),
        ("cargo lambda invoke", Run(before=WATCHED, says=(r'"statusCode":200',))),
    ],
    "docs/explain.md": [
        (
            "explain github",
            Run(
                before=RESPELLED + "cargo webhook event pinwheel body.json > event.json",
                fails=True,
                says=("cause: body_reserialized", "timestamp"),
            ),
        ),
    ],
    "docs/existing.md": [("doctor", Run(fails=True, says=("there is no stack my-webhooks",)))],
    "docs/providers.md": [
        ("provider list", COPY),
        ("UPDATE_SAMPLES", SAMPLES),
    ],
    "events/README.md": [
        (
            "cargo lambda invoke pinwheel --invoke-address 127.0.0.1 --data-file events/",
            Run(
                before="cargo lambda watch --invoke-address 127.0.0.1 --env-file .tools/dev.env &"
                + WATCHED,
                says=(r'"statusCode":200',),
            ),
        ),
        ("cargo webhook event pinwheel", Run(says=(r'"statusCode":200',))),
        ("UPDATE_SAMPLES", SAMPLES),
    ],
    "infra/ACCOUNT-CHECKS.md": [
        ("--query Architectures", Run(before=VARIABLES, says=("x86_64",))),
        (
            "jq -j",
            Run(
                before=BACK_TO_DEVELOPMENT_SECRET
                # docs/local.md has sent the same event.
                + """
KEY="pinwheel#$(jq -r .body events/pinwheel/account.added.json | jq -r .event_id)"
cargo webhook record purge "$KEY" --yes > /dev/null 2>&1 || true
""",
                says=(r'(?s)"accepted".*"duplicate"',),
            ),
        ),
        ("set-alarm-state", Run()),
        ("head -c 7000000", Run(says=(r"(?m)^413$",))),
        ("make deploy", DEPLOYS),
    ],
    "infra/OPERATIONS.md": [
        (
            "STACK=$(grep",
            Run(
                after="for name in IDEMPOTENCY_TABLE QUEUE_URL PAYLOAD_BUCKET DEAD_LETTER_QUEUE_URL "
                "PINWHEEL_URL PINWHEEL_SECRET; do [[ ${!name} == *?* ]]; done\n" + REACHABLE,
            ),
        ),
        ("make deploy                #", DEPLOYS),
        ("DeploymentStrategy=None", DEPLOYS),
        ("cargo lambda build", ARM64),
        (
            "--function-version 7",
            Run(before=THIRTEEN_VERSIONS, says=('"13"', '"FunctionVersion": "7"')),
        ),
        ("'Versions[1:-10].[Version]'", Run(after=TEN_VERSIONS)),
        ("doctor", Run(fails=True, says=(r"(?m)^ok +stack: ",))),
        # Rotate a secret.
        ("put-secret-value", Run(before=NEW_SECRET)),
        (
            "old-secret.txt",
            # Each list is refused, so each command fails; a reader's shell goes on.
            Run(
                before="set +e",
                says=(r"(?s)400 Bad Request.*400 Bad Request",),
                after="set -e; [[ ! -e old-secret.txt ]]",
            ),
        ),
        ("--remove-from-version-id", Run()),
        # Revoke a secret.
        ("--reserved-concurrent-executions 0", Run(says=('"ReservedConcurrentExecutions": 0',))),
        ("publish-version", Run(before=NEW_SECRET, says=('"FunctionVersion": "14"',))),
        ("--reserved-concurrent-executions 100", Run()),
        ("delete-function-concurrency", Run()),
        ("DeploymentStrategy=None", DEPLOYS),
        ("attach-role-policy", Run()),
        ("detach-role-policy", Run()),
        ("Stacks[0].Parameters[]", Run(says=("DeploymentStrategy",))),
        (
            "record show",
            Run(before=BACK_TO_DEVELOPMENT_SECRET + event("evt-1"), says=("status: ENQUEUED",)),
        ),
        ("record find", Run(says=("id: pinwheel#evt-1",))),
        ("record purge", Run(before="set +e", says=("Deleted",), after="set -e")),
        (
            "redrive",
            Run(
                before=DEAD_LETTER + event("evt-2") + DEAD_LETTER + event("evt-3") + DEAD_LETTER,
                says=('"3"', "3 would be moved", "1 moved", r"2 moved; .* about 0"),
            ),
        ),
        (
            "received.json",
            Run(before=event("evt-4") + DEAD_LETTER, says=("replayed pinwheel#evt-",)),
        ),
        (
            ".s3Key",
            Run(
                before="""
aws s3 cp --quiet envelope.json "s3://$PAYLOAD_BUCKET/pinwheel/large"
echo '["…", {"s3BucketName": "b", "s3Key": "pinwheel/large"}]' > envelope.json
""",
                says=("replayed pinwheel#evt-",),
            ),
        ),
        ("webhooks add", PINWHEEL),
        ("cost.py", Run(says=(r"\$",))),
    ],
    "infra/ALARMS.md": [
        ('"webhook.reason"', VERSION_2),
        ('"401"', VERSION_2),
        (
            "explain pinwheel",
            Run(
                before=VARIABLES
                + """
echo '{}' > body.json
echo some-secret-of-the-provider > secret.txt
cargo webhook sign pinwheel body.json --secret-file secret.txt > headers.txt
""",
                fails=True,
                says=("timestamp",),
            ),
        ),
        ('"5*"', VERSION_2),
        ('"429"', VERSION_2),
        ('"404"', VERSION_2),
        ('"413"', VERSION_2),
        ("logs tail", VERSION_2),
        ("get-function-concurrency", Run(says=("ConcurrentExecutions",))),
        ("purge-queue", Run()),
        ("ApproximateNumberOfMessagesNotVisible", Run(says=("ApproximateNumberOfMessages",))),
        ("describe-table", Run()),
        ('"webhook.warning"', VERSION_2),
        ("describe-secret", Run(says=("AWSCURRENT",))),
    ],
    "tests/fuzz/README.md": [("FUZZ_SECONDS", LONG), ("tmin", LONG)],
    # It removes the stack, so it is the last.
    "infra/FIRST-DEPLOYMENT.md": [
        (
            "get-account-settings",
            Run(
                # The emulator knows no quotas.
                before='aws() { [[ $1 == service-quotas ]] || command aws "$@"; }',
                says=(r"(?m)^\d+$",),
                after="unset -f aws",
            ),
        ),
        (
            'sed "s/STACK',
            Run(
                before="ROLE=a-deployer\n"
                'aws iam create-role --role-name "$ROLE" --assume-role-policy-document "{}" > /dev/null',
            ),
        ),
        ("make deploy", DEPLOYS),
        ("put-secret-value", Run(before=VARIABLES + "echo of-the-provider > key.txt")),
        ("create-open-id-connect-provider", Run()),
        ("cat > trust.json", Run(before="REPOSITORY=owner/name", after="[[ ! -e trust.json ]]")),
        ("delete-stack", Run(before=VARIABLES)),
        (
            "delete-table",
            Run(
                # The emulator deletes what a nested stack should keep.
                before="PINWHEEL_SECRET=$(aws secretsmanager create-secret --name left "
                "--secret-string x --query ARN --output text)",
            ),
        ),
    ],
}
