// Draws messages and records, and the pages of the queues and of the records.

import { element, visible } from "./dom.js";
import { block, prettyJson } from "./json.js";
import { copyButton, empty, pairs } from "./parts.js";
import { moment } from "./words.js";

const PAGES = {
  queue: {
    title: "Queue",
    about: "What consumers will receive next. Looking at a message does not receive it.",
    nothing: () =>
      empty(
        "The queue is empty",
        "An accepted delivery puts a message here. Send one from another terminal:",
        true,
      ),
  },
  "dead-letters": {
    title: "Dead letters",
    about: "Messages that consumers have failed to handle too often.",
    nothing: () =>
      empty("No dead letters", [
        "A message comes here after consumers have failed to handle it too often. ",
        element("code", {}, "cargo webhook redrive"),
        " puts it back on the queue.",
      ]),
  },
  records: {
    title: "Records",
    about: "The idempotency table: one record for each event, so that each is queued once.",
    nothing: () =>
      empty(
        "No records",
        "A verified delivery writes a record. Send one from another terminal:",
        true,
      ),
  },
};

/** Draws the page of the queue, the dead letters or the records from the API's response. */
export function contentsPage(name, answer) {
  const { title, about, nothing } = PAGES[name];
  const items =
    name === "records" ? answer.records.map(recordItem) : answer.messages.map(messageItem);
  const total = element("span", { class: "total" }, String(items.length));
  const headline = element("h1", { id: "contents-title", tabindex: "-1" }, title);
  const source = element("code", {}, answer.name ?? answer.table);
  return element(
    "section",
    { class: "contents", "aria-labelledby": "contents-title" },
    element(
      "header",
      { class: "head" },
      element("div", { class: "title" }, headline, total),
      element("p", { class: "about" }, about, " ", source),
      answer.truncated ? hint("There are more. Only the newest are shown.") : null,
    ),
    items.length ? element("div", { class: "items" }, items) : nothing(),
  );
}

/** Returns the parts that show a message. */
export function messageParts(message) {
  const facts = [
    ["Message id", message.message_id],
    ["Group", message.group_id],
    ["Deduplication id", message.deduplication_id],
  ].filter(([, value]) => value !== null && value !== undefined);
  return [
    pairs(facts),
    heading("Attributes"),
    pairs(Object.entries(message.attributes ?? {})),
    message.offloaded
      ? hint("The envelope is over SQS's limit. It is in the bucket, and the message points to it.")
      : null,
    envelope(message),
  ];
}

function envelope(message) {
  if (message.envelope === null) {
    const text = message.offloaded
      ? "The envelope is not in the bucket."
      : "The message is not JSON.";
    return [heading("Envelope"), message.payload ? block(message.payload) : hint(text)];
  }
  const text = JSON.stringify(message.envelope);
  const tools = [heading("Envelope"), copyButton(text, "copy-envelope")];
  return [element("div", { class: "tools" }, tools), prettyJson(text)];
}

/** Returns rows for a record's attributes, with the times that numbers stand for. */
export function recordRows(attributes) {
  return Object.entries(attributes).map(([name, value]) => {
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    const at = moment(name, text);
    return [
      name,
      at
        ? element("span", {}, visible(text), element("span", { class: "hint" }, ` · ${at}`))
        : text,
    ];
  });
}

const heading = (text) => element("h3", {}, text);
const hint = (text) => element("p", { class: "hint" }, text);

function messageItem(message) {
  const times = message.receive_count ?? 0;
  return item({
    key: message.message_id,
    provider: message.provider ?? "",
    title: message.event_type ?? "no event",
    id: message.event_id ?? "",
    state: times === 0 ? "" : times === 1 ? "received once" : `received ${times} times`,
    content: messageParts(message),
  });
}

function recordItem(record) {
  return item({
    key: record.id,
    provider: String(record.id).split("#")[0],
    title: record.event_type ?? record.id,
    id: record.event_id ?? "",
    state: record.status ?? "",
    content: pairs(recordRows(record)),
  });
}

function item({ key, provider, title, id, state, content }) {
  const shown = { provider, event: title, id, state };
  const spans = Object.entries(shown).map(([name, text]) =>
    element("span", { class: name }, visible(text)),
  );
  return element(
    "details",
    { class: "item", "data-item": key },
    element("summary", { "data-key": `item-${key}` }, spans),
    element("div", { class: "inside" }, content),
  );
}
