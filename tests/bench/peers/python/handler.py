"""Pinwheel's webhook, version 2, as one writes it with Powertools.

It is verified, claimed in DynamoDB, sent to SQS and completed.
"""

import hashlib
import hmac
import json
import os
import time
from base64 import b64decode

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

TOLERANCE_S = 86_400
CONFIG = IdempotencyConfig(event_key_jmespath="event_id", expires_after_seconds=2_592_000)
STORE = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
SQS = boto3.client("sqs")
QUEUE_URL = os.environ["QUEUE_URL"]
SECRETS = boto3.client("secretsmanager")
SECRET = SECRETS.get_secret_value(SecretId=os.environ["SIGNING_SECRET_ID"])["SecretString"].encode()


def handler(request, context):
    body = request["body"].encode()
    if request["isBase64Encoded"]:
        body = b64decode(body)
    if not is_authentic(request["headers"], body):
        return answer(401, {"error": "unauthorized"})
    CONFIG.register_lambda_context(context)
    return answer(200, deliver(event=json.loads(body)))


@idempotent_function(data_keyword_argument="event", persistence_store=STORE, config=CONFIG)
def deliver(event):
    key = f"pinwheel#{event['event_id']}"
    envelope = {"specversion": "1.0", "id": event["event_id"], "idempotencykey": key, "data": event}
    SQS.send_message(
        QueueUrl=QUEUE_URL, MessageBody=json.dumps(envelope), MessageGroupId=key, MessageDeduplicationId=key
    )
    print(json.dumps({"level": "INFO", "message": "accepted", "event_id": event["event_id"]}))
    return {"status": "accepted", "id": event["event_id"]}


def is_authentic(headers, body):
    timestamp = headers.get("x-timestamp", "")
    if not timestamp.isdigit():
        return False
    tag = hmac.new(SECRET, b"v2:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    is_equal = hmac.compare_digest(headers.get("x-pinwheel-signature", ""), f"v2={tag}")
    return is_equal and abs(time.time() - int(timestamp)) <= TOLERANCE_S


def answer(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
