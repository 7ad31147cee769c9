// The inspector's JSON, by HTTP. An answer other than 2xx is an `Error` with the server's sentence.

/** Reads a path below `/api/`. */
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
    throw new Error("The inspector does not answer. Does `make dev` still run?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `The inspector answers ${response.status}.`);
  return answer;
}

/**
 * Follows the stream of deliveries. `heard` gets each summary, `connected` is called at each start
 * of a connection, `lost` when it breaks; the browser connects again by itself.
 */
export function follow({ heard, connected, lost }) {
  const source = new EventSource("/api/stream");
  source.addEventListener("delivery", (event) => heard(JSON.parse(event.data)));
  source.addEventListener("open", connected);
  source.addEventListener("error", () => {
    lost();
    // After an answer that is no stream it gives up: try again.
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => follow({ heard, connected, lost }), 2000);
  });
}
