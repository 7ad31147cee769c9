// Pinwheel's webhook, version 2, as one writes it with Powertools: verified, claimed in DynamoDB,
// sent to SQS, completed.

import { createHmac, timingSafeEqual } from "node:crypto";

import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

const TOLERANCE_S = 86_400;
const config = new IdempotencyConfig({ eventKeyJmesPath: "event_id", expiresAfterSeconds: 2_592_000 });
const persistenceStore = new DynamoDBPersistenceLayer({ tableName: process.env.IDEMPOTENCY_TABLE });
const sqs = new SQSClient({});
const { SecretString: secret } = await new SecretsManagerClient({}).send(
  new GetSecretValueCommand({ SecretId: process.env.SIGNING_SECRET_ID }),
);

export async function handler(request, context) {
  const body = Buffer.from(request.body, request.isBase64Encoded ? "base64" : "utf8");
  if (!isAuthentic(request.headers, body)) {
    return answer(401, { error: "unauthorized" });
  }
  config.registerLambdaContext(context);
  return answer(200, await deliver(JSON.parse(body)));
}

const deliver = makeIdempotent(
  async (event) => {
    const key = `pinwheel#${event.event_id}`;
    const envelope = { specversion: "1.0", id: event.event_id, idempotencykey: key, data: event };
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: process.env.QUEUE_URL,
        MessageBody: JSON.stringify(envelope),
        MessageGroupId: key,
        MessageDeduplicationId: key,
      }),
    );
    console.log(JSON.stringify({ level: "INFO", message: "accepted", event_id: event.event_id }));
    return { status: "accepted", id: event.event_id };
  },
  { persistenceStore, config },
);

function isAuthentic(headers, body) {
  const timestamp = headers["x-timestamp"] ?? "";
  if (!/^[0-9]+$/.test(timestamp)) {
    return false;
  }
  const tag = createHmac("sha256", secret).update(`v2:${timestamp}:`).update(body).digest("hex");
  const expected = Buffer.from(`v2=${tag}`);
  const given = Buffer.from(headers["x-pinwheel-signature"] ?? "");
  const isEqual = expected.length === given.length && timingSafeEqual(expected, given);
  return isEqual && Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_S;
}

function answer(statusCode, body) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
