// How outcomes, times and sizes are written.

/** Each outcome: its word, its tone (a colour and an icon, never a colour alone), what it means. */
export const OUTCOMES = {
  accepted: ["Accepted", "good", "check", "Verified, and put on the queue."],
  duplicate: [
    "Duplicate",
    "calm",
    "repeat",
    "The event was queued before. Nothing was queued again.",
  ],
  in_progress: ["In progress", "warn", "clock", "Another delivery of the event is in flight."],
  challenge: [
    "Challenge",
    "calm",
    "check",
    "The provider asked whether the receiver has the secret.",
  ],
  refused: ["Refused", "bad", "cross", "It is not proven who sent this. Nothing was written."],
  malformed: [
    "Malformed",
    "bad",
    "cross",
    "Authentic, but not a JSON object. Nothing was written.",
  ],
  too_large: ["Too large", "bad", "cross", "The body is over the limit. Nothing was verified."],
  unavailable: [
    "Unavailable",
    "bad",
    "alert",
    "A fault on our side. The provider will send it again.",
  ],
  failed: ["Failed", "bad", "alert", "The receiver did not answer as it should."],
};

// Names that outcomes have in responses, if they differ from those in the log.
const ALIASES = { unauthorized: "refused" };

/** Returns what is shown for an outcome. */
export function outcome(delivery) {
  const key = ALIASES[delivery.outcome] ?? delivery.outcome;
  const [word, tone, icon, meaning] = OUTCOMES[key] ?? [String(key), "calm", "alert", ""];
  return { key, word, tone, icon, meaning };
}

/** Returns `20:00:01.123`, with the date before it if that is not today. */
export function clock(at, now = new Date()) {
  const time = new Date(at);
  if (Number.isNaN(time.valueOf())) return String(at);
  const two = (number) => String(number).padStart(2, "0");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  const exact = `${clock}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  if (time.toDateString() === now.toDateString()) return exact;
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`;
}

/** Returns `0.42 ms`, `12.3 ms`, `1.25 s`. */
export function duration(milliseconds) {
  if (typeof milliseconds !== "number") return "–";
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  if (milliseconds >= 100) return `${Math.round(milliseconds)} ms`;
  if (milliseconds === 0) return "0 ms";
  return `${milliseconds.toFixed(milliseconds < 10 ? 2 : 1)} ms`;
}

/** Returns `786 bytes`, `12.4 kB`, `1.05 MB`. */
export function size(bytes) {
  if (typeof bytes !== "number") return "";
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

/** Returns the time that a record's attribute stands for, or an empty text if it is not a time. */
export function moment(name, value) {
  const unit = name.endsWith("_at_ms") ? 1 : name.endsWith("_at_s") ? 1000 : 0;
  const time = new Date(Number(value) * unit);
  return unit && value !== "" && !Number.isNaN(time.valueOf()) ? time.toISOString() : "";
}
