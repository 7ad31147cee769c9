// The list of deliveries, and its filter.

import { element, visible } from "./dom.js";
import { chip, empty } from "./parts.js";
import { count, filter, isLoaded, providers, shown } from "./store.js";
import { OUTCOMES, clock, duration } from "./words.js";

const COLUMNS = ["Time", "Provider", "Event", "Answer", "Reason", "Duration"];

/** Makes the list. `refresh(openId, newId)` draws its rows again. */
export function deliveryList() {
  const rows = element("ol", { class: "rows", "aria-label": "Deliveries, newest first" });
  const nothing = element("div");
  const total = element("span", { class: "total" });
  const search = element("input", {
    id: "search",
    type: "search",
    placeholder: "Filter by event, id, reason …",
    "aria-label": "Filter",
    "aria-keyshortcuts": "/",
    autocomplete: "off",
    spellcheck: "false",
    input: () => choose("text", search.value),
  });
  const provider = select("provider", "Provider", "All providers", []);
  const outcomes = Object.entries(OUTCOMES).map(([key, [word]]) => [key, word]);
  const outcome = select("outcome", "Outcome", "All outcomes", outcomes);
  let openId = null;

  function select(name, label, all, options) {
    const choices = [["", all], ...options].map(([value, text]) =>
      element("option", { value }, text),
    );
    const properties = {
      id: name,
      "aria-label": label,
      change: (event) => choose(name, event.target.value),
    };
    return element("select", properties, choices);
  }

  function choose(name, value) {
    filter[name] = value;
    refresh(openId);
  }

  function clear() {
    Object.assign(filter, { text: "", provider: "", outcome: "" });
    search.value = provider.value = outcome.value = "";
    refresh(openId);
    search.focus();
  }

  function refresh(id, newId) {
    openId = id;
    for (const { name } of providers()) {
      if ([...provider.options].some(({ value }) => value === name)) continue;
      provider.append(element("option", { value: name }, name));
    }
    const deliveries = shown();
    const focused = document.activeElement?.closest?.(".row")?.dataset.id;
    rows.replaceChildren(...deliveries.map((delivery) => row(delivery, id, newId)));
    if (focused) rowOf(focused)?.focus({ preventScroll: true });
    total.textContent =
      deliveries.length === count() ? `${count()}` : `${deliveries.length} of ${count()}`;
    total.hidden = count() === 0;
    columns.hidden = deliveries.length === 0;
    nothing.replaceChildren(...nothingToShow(deliveries.length, clear));
  }

  const columns = element(
    "div",
    { class: "columns", "aria-hidden": "true" },
    COLUMNS.map((name) => element("span", { class: name.toLowerCase() }, name)),
  );
  const form = element(
    "div",
    { class: "filter", role: "search" },
    search,
    provider,
    outcome,
    total,
  );
  const node = element(
    "section",
    { class: "list", "aria-label": "Deliveries" },
    form,
    element("div", { class: "scroll" }, columns, rows, nothing),
    keys(),
  );
  return { node, refresh, focusFilter: () => search.focus() };
}

/** Returns the row of a delivery, if it is shown. */
export function rowOf(id) {
  return document.querySelector(`.row[data-id="${CSS.escape(id)}"]`);
}

function row(delivery, openId, newId) {
  const { id, at, provider, event_type: event, reason, cause, duration_ms: took } = delivery;
  const title = event === null ? "" : visible(event);
  const why = [...new Set([reason, cause])].filter(Boolean).join(" · ");
  const properties = {
    class: "row",
    href: `#/deliveries/${encodeURIComponent(id)}`,
    "data-id": id,
    "data-new": id === newId,
    "data-refused": event === null && why !== "",
    "aria-current": id === openId ? "true" : null,
  };
  return element(
    "li",
    {},
    element(
      "a",
      properties,
      element("time", { class: "time", datetime: at, title: at }, clock(at)),
      element("span", { class: "provider" }, provider),
      element("span", { class: "event", title }, title || element("i", {}, "no event")),
      element("span", { class: "answer" }, chip(delivery, true)),
      element("span", { class: "reason", title: why }, why),
      element("span", { class: "duration" }, duration(took)),
    ),
  );
}

function nothingToShow(some, clear) {
  if (some > 0 || !isLoaded()) return [];
  if (count() === 0) {
    return [
      empty(
        "No deliveries yet",
        "Send one from another terminal. It will show up here.",
        true,
      ),
    ];
  }
  const node = empty("No delivery matches the filter", `Without the filter there are ${count()}.`);
  node.append(
    element("button", { class: "button", type: "button", click: clear }, "Clear the filter"),
  );
  return [node];
}

function keys() {
  const key = (...names) => names.map((name) => element("kbd", {}, name));
  return element(
    "footer",
    { class: "keys", "aria-label": "Keys" },
    element("span", {}, key("j", "k"), "move"),
    element("span", {}, key("Enter"), "open"),
    element("span", {}, key("Esc"), "close"),
    element("span", {}, key("/"), "filter"),
  );
}
