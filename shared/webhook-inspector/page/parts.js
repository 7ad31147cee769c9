// Parts that several pages share.

import { element, icon, visible } from "./dom.js";
import { providers } from "./store.js";
import { outcome } from "./words.js";

/** Makes an outcome's icon and word, with the status between them if asked for. */
export function chip(delivery, withStatus) {
  const { word, tone, icon: name } = outcome(delivery);
  const status = withStatus ? element("span", { class: "status" }, String(delivery.status)) : null;
  return element("span", { class: "chip", "data-tone": tone }, icon(name), status, word);
}

/** Makes a list of names and values. A value may be an element. */
export function pairs(rows) {
  return element(
    "dl",
    { class: "pairs" },
    rows.map(([name, value]) => [
      element("dt", {}, visible(name)),
      element("dd", {}, value instanceof Node ? value : visible(value)),
    ]),
  );
}

/** Makes a button that copies a text, and says so. */
export function copyButton(text, key) {
  const label = element("span", {}, "Copy");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Not allowed";
    }
    setTimeout(() => {
      label.textContent = "Copy";
    }, 1500);
  };
  return element(
    "button",
    { class: "quiet", type: "button", "data-key": key, click: copy },
    icon("copy"),
    label,
  );
}

/** Makes what an empty page shows: what that means, and what to do next. */
export function empty(title, text, withLines = false) {
  return element(
    "div",
    { class: "empty" },
    element("h2", {}, title),
    element("p", {}, text),
    withLines ? providers().map(sendLine) : null,
  );
}

function sendLine({ name, url }) {
  const line = `echo '{"event":"hello"}' | cargo webhook send ${name} --url ${url}`;
  return element(
    "div",
    { class: "line" },
    element("code", { tabindex: "0" }, line),
    copyButton(line, `line-${name}`),
  );
}

/** Shows a notice for ten seconds. One about a fault stays until it is dismissed. */
export function notify(tone, ...content) {
  const dismiss = element(
    "button",
    { class: "quiet", type: "button", "aria-label": "Dismiss" },
    icon("cross"),
  );
  const notice = element(
    "div",
    { class: "notice", "data-tone": tone },
    icon(tone === "bad" ? "alert" : "check"),
    element("p", {}, content),
    dismiss,
  );
  if (tone === "bad") notice.setAttribute("role", "alert");
  else setTimeout(() => notice.remove(), 10_000);
  dismiss.addEventListener("click", () => notice.remove());
  document.getElementById("notices").replaceChildren(notice);
}
