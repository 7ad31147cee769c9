// The dialog that saves a delivery as a sample in events/.

import { post } from "./api.js";
import { element } from "./dom.js";
import { notify } from "./parts.js";
import { samples } from "./store.js";

/** Asks for a path, and saves the delivery there. */
export function saveAsSample(delivery) {
  const input = element("input", {
    id: "sample-path",
    name: "path",
    value: proposedPath(delivery),
    autocomplete: "off",
    spellcheck: "false",
    required: true,
  });
  const fault = element("p", { class: "fault", role: "alert" });
  const cancel = element(
    "button",
    { class: "button", type: "button", click: () => dialog.close() },
    "Cancel",
  );
  const form = element(
    "form",
    { submit: save },
    element("h2", { id: "sample-title" }, "Save as a sample"),
    element(
      "p",
      { class: "hint" },
      "The delivery is written as a Lambda event, with a row in samples.json. ",
      "The samples test then covers it.",
    ),
    element("label", { for: "sample-path" }, "Path in the repository"),
    input,
    fault,
    element(
      "div",
      { class: "actions" },
      cancel,
      element("button", { class: "button primary", type: "submit" }, "Save"),
    ),
  );
  const dialog = element(
    "dialog",
    { "aria-labelledby": "sample-title", close: () => dialog.remove() },
    form,
  );

  async function save(event) {
    event.preventDefault();
    fault.textContent = "";
    try {
      const { path } = await post(`deliveries/${encodeURIComponent(delivery.id)}/sample`, {
        path: input.value,
      });
      dialog.close();
      notify("good", "Saved as ", element("code", {}, path), ".");
    } catch (error) {
      fault.textContent = error.message;
      input.focus();
    }
  }

  document.body.append(dialog);
  dialog.showModal();
  input.setSelectionRange(input.value.lastIndexOf("/") + 1, input.value.length - ".json".length);
}

/** Returns a path that no sample has yet, named after the event, or else after the outcome. */
export function proposedPath({ provider, event_type: event, outcome }) {
  const name = (event ?? outcome)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "_")
    .replace(/^[._-]+|[._-]+$/g, "");
  const taken = new Set(samples(provider));
  const path = (number) =>
    `events/${provider}/${name.slice(0, 60) || outcome}${number > 1 ? `.${number}` : ""}.json`;
  let number = 1;
  while (taken.has(path(number))) number += 1;
  return path(number);
}
