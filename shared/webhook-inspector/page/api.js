// Calls the inspector's JSON API. A response other than 2xx becomes an `Error` with its message.

/** Gets JSON from a path below `/api/`. */
export function read(path) {
  return exchange(path, {});
}

/** Posts JSON to a path below `/api/`. */
export function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return exchange(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function exchange(path, options) {
  let response;
  try {
    response = await fetch(`/api/${path}`, { ...options, cache: "no-store" });
  } catch {
    throw new Error("The inspector does not answer. Is make dev still running?");
  }
  const answer = await response.text().then(parse, () => ({}));
  if (!response.ok)
    throw new Error(answer.error ?? `The inspector answered with status ${response.status}.`);
  return answer;
}

function parse(text) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    return {};
  }
  // `rawJSON` keeps the digits of a number that a JavaScript number would round.
  const keep = (_, value, { source }) => (typeof value === "number" ? JSON.rawJSON(source) : value);
  const exact = JSON.rawJSON ? JSON.parse(text, keep) : answer;
  const messages = (of) => (of.messages ?? [of.message]).filter(Boolean);
  messages(exact).forEach(({ envelope }, index) => {
    messages(answer)[index].envelope = envelope;
  });
  return answer;
}

/**
 * Follows the stream of deliveries while the page is visible. `heard` gets each summary,
 * `connected` is called when a connection opens, and `lost` when it breaks.
 *
 * A browser opens at most six connections to one server, so a page that is in the background, or
 * that the reader has left and may go back to, must not hold one.
 */
export function follow({ heard, connected, lost }) {
  let source = null;
  let again = 0;
  const close = () => {
    clearTimeout(again);
    source?.close();
    source = null;
  };
  const open = () => {
    close();
    source = new EventSource("/api/stream");
    source.addEventListener("delivery", (event) => heard(JSON.parse(event.data)));
    source.addEventListener("open", connected);
    source.addEventListener("error", () => {
      lost();
      // It reconnects by itself, except after a response that is not a stream.
      if (source?.readyState === EventSource.CLOSED) again = setTimeout(open, 2000);
    });
  };
  const see = () => (document.hidden ? close() : open());
  document.addEventListener("visibilitychange", see);
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && see());
  see();
}
