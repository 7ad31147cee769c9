// The inspector's page: shows the view that the address names after `#`, follows the stream, and
// handles keys. Each view is a module of its own.

import { follow, post, read } from "./api.js";
import { contentsPage } from "./contents.js";
import { deliveryDetail } from "./detail.js";
import { element } from "./dom.js";
import { deliveryList, rowOf } from "./list.js";
import { notify } from "./parts.js";
import { saveAsSample } from "./sample.js";
import { load, shown, take } from "./store.js";
import { outcome } from "./words.js";

const main = document.getElementById("main");
const live = document.getElementById("live");
const announcements = document.getElementById("announcements");

const list = deliveryList();
const pane = element("div", { class: "pane" });
const deliveries = element("div", { class: "deliveries" }, list.node, pane);

// The open delivery as last drawn. It is drawn again only if something has changed.
let drawn = { id: null, text: "" };

// The same for the queue, the dead letters or the records.
let contents = { name: null, text: "", node: null };

// Responses may overtake each other, so only the one to the latest request is drawn.
let question = 0;

/** Returns the view and the delivery's id that the address names. */
function place() {
  const [, view = "deliveries", id = null] = location.hash.split("/");
  return { view: view || "deliveries", id: id && decodeURIComponent(id) };
}

async function show() {
  const { view, id } = place();
  for (const tab of document.querySelectorAll(".tabs a")) {
    if (tab.hash.split("/")[1] === view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  if (view === "deliveries") await showDeliveries(id);
  else if (["queue", "dead-letters", "records"].includes(view)) await showContents(view);
  else location.replace("#/deliveries");
}

async function showDeliveries(id) {
  document.title = "Deliveries · Webhook inspector";
  question += 1;
  if (!deliveries.isConnected) main.replaceChildren(deliveries);
  deliveries.classList.toggle("open", id !== null);
  list.refresh(id);
  if (id === null) {
    pane.replaceChildren();
    drawn = { id: null, text: "" };
    return;
  }
  rowOf(id)?.scrollIntoView({ block: "nearest" });
  await showDetail(id);
}

async function showDetail(id) {
  const asked = ++question;
  let delivery;
  try {
    delivery = await read(`deliveries/${encodeURIComponent(id)}`);
  } catch (error) {
    if (asked === question) pane.replaceChildren(lost(error));
    return;
  }
  const text = JSON.stringify(delivery);
  if (asked !== question || (drawn.id === id && drawn.text === text)) return;
  const scroll = drawn.id === id ? pane.querySelector(".detail > .scroll")?.scrollTop : 0;
  keepFocus(() => pane.replaceChildren(deliveryDetail(delivery, actions(delivery))));
  pane.querySelector(".detail > .scroll").scrollTop = scroll ?? 0;
  // On a narrow screen the row that had the focus is hidden.
  if (drawn.id !== id && !list.node.checkVisibility()) pane.querySelector("h1").focus();
  drawn = { id, text };
}

function lost(error) {
  return element(
    "div",
    { class: "empty" },
    element("h2", {}, "This delivery could not be read"),
    element("p", {}, error.message),
    element("a", { class: "button", href: "#/deliveries" }, "All deliveries"),
  );
}

async function showContents(name) {
  const asked = ++question;
  let page;
  let text = null;
  try {
    const answer = await read(name);
    text = JSON.stringify(answer);
    page = contentsPage(name, answer);
  } catch (error) {
    const headline = element("h1", {}, "This could not be read");
    page = element("div", { class: "empty" }, headline, element("p", {}, error.message));
  }
  const before = main.firstElementChild;
  const isShown = main.contains(contents.node) && contents.name === name;
  if (asked !== question || (isShown && contents.text === text)) return;
  const open = new Set(isShown ? openItems() : []);
  for (const item of page.querySelectorAll("details")) item.open = open.has(item.dataset.item);
  document.title = `${page.querySelector("h1").textContent} · Webhook inspector`;
  const scroll = isShown ? before.scrollTop : 0;
  keepFocus(() => main.replaceChildren(page));
  page.scrollTop = scroll;
  contents = { name, text, node: page };
}

const openItems = () =>
  [...main.querySelectorAll("details[open]")].map(({ dataset }) => dataset.item);

/** Draws again, and gives the focus back to the element that had it. */
function keepFocus(draw) {
  const key = document.activeElement?.dataset?.key;
  draw();
  if (key) main.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

function actions(delivery) {
  const send = (sign) => async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      const sent = await post(
        `deliveries/${encodeURIComponent(delivery.id)}/send`,
        sign ? { sign: true } : {},
      );
      const link = element(
        "a",
        { href: `#/deliveries/${encodeURIComponent(sent.id)}` },
        `Show #${sent.id}`,
      );
      const how = sign ? "Signed again and sent" : "Sent the same bytes again";
      notify(
        outcome(sent).tone === "bad" ? "warn" : "good",
        `${how}: ${sent.status} ${outcome(sent).word}. `,
        link,
      );
    } catch (error) {
      notify("bad", error.message);
    }
    button.disabled = false;
  };
  return { close, send: send(false), sign: send(true), save: () => saveAsSample(delivery) };
}

function close() {
  const { id } = place();
  location.hash = "#/deliveries";
  if (id === null) return;
  // The row can have the focus once the list is shown again.
  addEventListener("hashchange", () => requestAnimationFrame(() => rowOf(id)?.focus()), {
    once: true,
  });
}

function heard(summary) {
  const isNew = take(summary);
  const { view, id } = place();
  if (isNew)
    announcements.textContent = `${summary.provider}: ${summary.status} ${outcome(summary).word}`;
  if (view !== "deliveries") {
    showContents(view);
    return;
  }
  list.refresh(id, isNew ? summary.id : null);
  if (summary.id === id) showDetail(id);
}

function state(name, text) {
  live.dataset.state = name;
  live.textContent = text;
}

async function reload() {
  try {
    await load();
    state("live", "Live");
    await show();
  } catch (error) {
    state("lost", "Not connected");
    notify("bad", error.message);
  }
}

/** Moves by one row: opens that delivery if one is open, else only moves the focus. */
function move(step) {
  const { id } = place();
  const ids = shown().map((delivery) => delivery.id);
  const from = id ?? document.activeElement?.closest?.(".row")?.dataset.id;
  const index = from === undefined ? -1 : ids.indexOf(from);
  const to = ids[index < 0 ? 0 : Math.min(Math.max(index + step, 0), ids.length - 1)];
  if (to === undefined) return;
  if (id !== null) location.replace(`#/deliveries/${encodeURIComponent(to)}`);
  rowOf(to)?.focus();
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]"))
    return;
  const typing = event.target.closest?.("input, select, textarea");
  if (typing && event.key === "Escape") {
    typing.blur();
    return;
  }
  if (typing || place().view !== "deliveries") return;
  const inDetail = pane.contains(event.target);
  const does = {
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: inDetail ? null : () => move(1),
    ArrowUp: inDetail ? null : () => move(-1),
    Escape: close,
    "/": list.focusFilter,
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

addEventListener("hashchange", show);
addEventListener("keydown", key);
follow({ heard, connected: reload, lost: () => state("lost", "Reconnecting …") });
