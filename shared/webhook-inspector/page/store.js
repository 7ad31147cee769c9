// What the page knows: the deliveries, newest first; the filter; the stack's providers.

import { read } from "./api.js";
import { outcome } from "./words.js";

// A list of this length is still fast. The inspector holds fewer.
const MOST = 2000;

export const filter = { text: "", provider: "", outcome: "" };

let deliveries = [];
let stack = { providers: [], samples: {} };
let loaded = false;
// What came by the stream while the list was loading. The list may be older.
let meanwhile = null;

/** Reads everything again. */
export async function load() {
  meanwhile = [];
  const [list, now] = await Promise.all([read("deliveries"), read("stack")]);
  deliveries = list.deliveries;
  stack = now;
  loaded = true;
  meanwhile?.forEach(put);
  meanwhile = null;
}

/** Returns whether everything was read at least once. */
export const isLoaded = () => loaded;

/** Returns the stack's providers, with their URLs. */
export const providers = () => stack.providers;

/** Returns the paths of a provider's samples. */
export const samples = (provider) => stack.samples?.[provider] ?? [];

/** Returns how many deliveries there are, whatever the filter. */
export const count = () => deliveries.length;

/** Takes a summary in. Returns whether the delivery is new. */
export function take(summary) {
  meanwhile?.push(summary);
  return put(summary);
}

function put(summary) {
  const index = deliveries.findIndex(({ id }) => id === summary.id);
  if (index >= 0) {
    deliveries[index] = summary;
    return false;
  }
  deliveries.unshift(summary);
  deliveries.length = Math.min(deliveries.length, MOST);
  return true;
}

/** Returns the deliveries that match the filter, newest first. */
export function shown() {
  const text = filter.text.trim().toLowerCase();
  return deliveries.filter(
    (delivery) =>
      (!filter.provider || delivery.provider === filter.provider) &&
      (!filter.outcome || outcome(delivery).key === filter.outcome) &&
      (!text || searched(delivery).includes(text)),
  );
}

function searched({ provider, event_type, event_id, idempotency_key, status, reason, cause }) {
  const texts = [provider, event_type, event_id, idempotency_key, status, reason, cause];
  return texts
    .filter((text) => text !== null && text !== undefined)
    .join("\n")
    .toLowerCase();
}
