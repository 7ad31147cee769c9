// The kernels in JavaScript: see `src/kernels/worker.rs`. Reads one command per line: `tag <file>` or
// `run <file> <milliseconds>`.

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const KEY = "a-key-of-the-usual-length-of-forty-bytes";
const PREFIX = "v1:1795262400:";

function tag(body) {
  const text = JSON.stringify(JSON.parse(body).payload);
  return createHmac("sha256", KEY).update(PREFIX).update(text).digest();
}

function meanNs(body, milliseconds) {
  const expected = tag(body);
  const startedAt = process.hrtime.bigint();
  const until = startedAt + BigInt(milliseconds) * 1_000_000n;
  let now = startedAt;
  let runs = 0;
  do {
    if (!timingSafeEqual(tag(body), expected)) {
      throw new Error("a tag that changes");
    }
    runs += 1;
    now = process.hrtime.bigint();
  } while (now < until);
  return Number(now - startedAt) / runs;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, path, milliseconds] = line.split(" ");
  const body = readFileSync(path);
  console.log(command === "tag" ? tag(body).toString("hex") : meanNs(body, Number(milliseconds)));
}
