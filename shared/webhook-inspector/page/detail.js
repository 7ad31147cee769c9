// Draws one delivery: verdict, path, request, answer, message, record, log line.

import { element, icon, visible } from "./dom.js";
import { block, isJson, prettyJson } from "./json.js";
import { journey } from "./journey.js";
import { messageParts, recordRows } from "./contents.js";
import { chip, copyButton, pairs } from "./parts.js";
import { clock, duration, outcome, size } from "./words.js";

// What the reader has chosen. It is kept from one delivery to the next.
const chosen = { raw: false, closed: new Set() };

/** Draws a delivery. `actions` has `close`, `send`, `sign` and `save`. */
export function deliveryDetail(delivery, actions) {
  return element(
    "article",
    { class: "detail", "aria-labelledby": "event" },
    head(delivery, actions),
    element(
      "div",
      { class: "scroll", tabindex: "-1" },
      verdict(delivery),
      part("path", "Path", [
        delivery.steps.length
          ? journey(delivery)
          : element("p", { class: "hint" }, "The steps are shown when the log line is there."),
      ]),
      request(delivery),
      answer(delivery),
      message(delivery),
      record(delivery),
      log(delivery),
    ),
  );
}

function head(delivery, { close, send, sign, save }) {
  const event = delivery.event_type === null ? "No event" : visible(delivery.event_type);
  const from = delivery.resent_from;
  const resent =
    from === null || from === undefined
      ? null
      : element(
          "span",
          {},
          "sent again from ",
          element("a", { href: `#/deliveries/${encodeURIComponent(from)}` }, `#${from}`),
        );
  const button = (key, label, name, click) =>
    element(
      "button",
      { class: "button", type: "button", "data-key": key, click },
      icon(name),
      label,
    );
  return element(
    "header",
    { class: "head" },
    element(
      "button",
      {
        class: "quiet back",
        type: "button",
        "data-key": "back",
        click: close,
        "aria-keyshortcuts": "Escape",
      },
      icon("left"),
      "Deliveries",
    ),
    element(
      "div",
      { class: "title" },
      element("h1", { id: "event", tabindex: "-1" }, event),
      chip(delivery, true),
    ),
    element(
      "p",
      { class: "about" },
      element("span", {}, `#${delivery.id}`),
      element("span", {}, delivery.provider),
      delivery.door === "watch" ? element("span", {}, "cargo lambda watch") : null,
      element("time", { datetime: delivery.at, title: delivery.at }, clock(delivery.at)),
      element("span", {}, duration(delivery.duration_ms)),
      resent,
    ),
    element(
      "div",
      { class: "actions" },
      button("send", "Send again", "repeat", send),
      button("sign", "Sign again and send", "pen", sign),
      button("save", "Save as a sample", "save", save),
    ),
  );
}

function verdict(delivery) {
  const { explanation } = delivery;
  const { word, tone, icon: name, meaning } = outcome(delivery);
  const reason = delivery.reason ?? explanation?.reason;
  const cause = explanation?.cause ?? delivery.cause;
  const verified = explanation?.verdict === "verified" && tone !== "bad";
  const title = verified ? "The signature verifies" : reason ? `${word}: ${reason}` : word;
  const detail = explanation?.verdict === "refused" ? explanation.detail : meaning;
  const fix = explanation?.fix
    ? element("p", { class: "fix" }, element("b", {}, "Fix: "), visible(explanation.fix))
    : null;
  return element(
    "section",
    { class: "verdict", "data-tone": tone, "aria-label": "Verdict" },
    icon(name),
    element(
      "div",
      {},
      element("h2", {}, title, cause ? element("code", { class: "cause" }, cause) : null),
      element("p", {}, visible(detail)),
      fix,
    ),
  );
}

/** Makes a part that can be closed, and that then is closed for other deliveries too. */
function part(key, title, content, aside) {
  const details = element(
    "details",
    { class: "part", "data-part": key, open: !chosen.closed.has(key) },
    element(
      "summary",
      { "data-key": `part-${key}` },
      element("h2", {}, title),
      aside ? element("span", { class: "aside" }, aside) : null,
    ),
    content,
  );
  details.addEventListener("toggle", () => chosen.closed[details.open ? "delete" : "add"](key));
  return details;
}

function request(delivery) {
  const {
    method,
    path,
    headers,
    body,
    body_base64: base64,
    truncated,
    size: bytes,
  } = delivery.request;
  const notes = [
    body === null && base64 !== null ? "The body is not text. It is shown in base64." : null,
    truncated ? "Only the beginning of the body is shown." : null,
  ]
    .filter(Boolean)
    .map((note) => element("p", { class: "hint" }, note));
  return part(
    "request",
    "Request",
    [
      element("p", { class: "target" }, element("b", {}, method), " ", visible(path)),
      pairs(headers),
      notes,
      bodyBlock(body ?? base64 ?? ""),
    ],
    size(bytes),
  );
}

function bodyBlock(text) {
  if (text === "") return element("p", { class: "hint" }, "The body is empty.");
  const holder = element("div");
  const pretty = isJson(text);
  const show = (raw) => {
    const choose = (value) => () => {
      chosen.raw = value;
      show(value);
      holder.querySelector(`[data-key=${value ? "raw" : "pretty"}]`).focus();
    };
    const choice = (key, label, value) =>
      element(
        "button",
        {
          type: "button",
          "data-key": key,
          "aria-pressed": String(raw === value),
          click: choose(value),
        },
        label,
      );
    const choices = pretty
      ? element(
          "div",
          { class: "choice", role: "group", "aria-label": "Body" },
          choice("pretty", "Pretty", false),
          choice("raw", "Raw", true),
        )
      : element("span", { class: "hint" }, "Not JSON");
    holder.replaceChildren(
      element("div", { class: "tools" }, choices, copyButton(text, "copy-body")),
      pretty && !raw ? prettyJson(text) : block(text),
    );
  };
  show(chosen.raw);
  return holder;
}

function answer({ response }) {
  const body = response.body
    ? isJson(response.body)
      ? prettyJson(response.body)
      : block(response.body)
    : null;
  return part("answer", "Answer", [pairs(response.headers), body], String(response.status));
}

function message(delivery) {
  if (delivery.message) return part("message", "Message", messageParts(delivery.message));
  return part("message", "Message", [
    element(
      "p",
      { class: "hint" },
      delivery.outcome === "duplicate"
        ? "Nothing was queued again. The event's first message has left the queue."
        : "Nothing is on the queue for this delivery.",
    ),
  ]);
}

function record({ record: attributes }) {
  return part("record", "Record", [
    attributes
      ? pairs(recordRows(attributes))
      : element("p", { class: "hint" }, "No record was written."),
  ]);
}

function log({ log: line }) {
  if (!line)
    return part("log", "Log line", [
      element("p", { class: "hint" }, "The log line is not there yet."),
    ]);
  const text = JSON.stringify(line);
  return part("log", "Log line", [
    element(
      "div",
      { class: "tools" },
      element("span", { class: "hint" }, "One line of JSON"),
      copyButton(text, "copy-log"),
    ),
    prettyJson(text),
  ]);
}
