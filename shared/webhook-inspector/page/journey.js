// Draws a delivery's path (verify, claim, send, complete, answer), and each step's share of the
// time. It is drawn for the available width, so that its text keeps its size.

import { drawn, element, iconPath } from "./dom.js";
import { duration, outcome } from "./words.js";

const PATH = ["verify", "claim", "send", "complete"];
const ICONS = { good: "check", calm: "check", warn: "clock", bad: "cross" };
const TOP = 18;
const RADIUS = 11;
const BAR = { height: 6, gap: 2 };

/** Returns the drawing. It is drawn again when the width of its container changes. */
export function journey(delivery) {
  const stations = stationsOf(delivery);
  const figure = element("figure", { class: "journey" });
  const draw = () => figure.replaceChildren(drawing(stations, Math.max(figure.clientWidth, 280)));
  let width = -1;
  new ResizeObserver(() => {
    if (figure.clientWidth === width) return;
    width = figure.clientWidth;
    draw();
  }).observe(figure);
  return figure;
}

function stationsOf(delivery) {
  const { tone: ended, word } = outcome(delivery);
  const steps = new Map(delivery.steps.map((step) => [step.name, step]));
  const others = [...steps.keys()].filter((name) => !PATH.includes(name));
  // Other steps, such as a release after a failed send, take the place of those not reached.
  const names = others.length ? PATH.filter((name) => steps.has(name)).concat(others) : PATH;
  const stations = names.map((name) => {
    const step = steps.get(name);
    if (!step) return { name, tone: "none", below: "not reached" };
    const { result, duration_ms: took } = step;
    const below = duration(took);
    if (result === "ok") return { name, tone: "good", took, below };
    const named = result === delivery.outcome ? word.toLowerCase() : result;
    // A claim that finds a duplicate has not failed, so the step has the tone of the outcome.
    return { name, tone: ended === "good" ? "calm" : ended, took, below, result: named };
  });
  stations.push({ name: "answer", tone: ended, below: String(delivery.status) });
  stations[0].side = "first";
  stations.at(-1).side = "last";
  return stations;
}

function drawing(stations, width) {
  const column = width / stations.length;
  const middle = (index) => column * (index + 0.5);
  const barTop = stations.some(({ result }) => result) ? 106 : 88;
  const height = stations.some(({ took }) => took > 0) ? barTop + BAR.height + 6 : barTop - 8;
  const said = stations.map(({ name, below, result }) =>
    [name, below, result].filter(Boolean).join(" "),
  );
  return drawn(
    "svg",
    {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": said.join(", "),
    },
    stations
      .slice(1)
      .map((station, index) => track(middle(index), middle(index + 1), [stations[index], station])),
    stations.map((station, index) => stop(middle(index), column, station)),
    shares(stations, width, barTop),
  );
}

function track(from, to, ends) {
  const line = { x1: from + RADIUS + 5, x2: to - RADIUS - 5, y1: TOP, y2: TOP };
  const missed = ends.some(({ tone }) => tone === "none");
  return drawn("line", { class: missed ? "track missed" : "track", ...line });
}

function stop(x, column, { name, tone, below, result, side }) {
  const mark = { transform: `translate(${x - 7} ${TOP - 7}) scale(0.875)` };
  const told = tone === "none" && column < 90 ? "–" : below;
  // A result that may be wider than its column is aligned with the edge, so that it is not cut off.
  const isLong = side && (result?.length ?? 0) * 7 > column;
  const resultX = isLong && side === "first" ? x - column / 2 : x;
  return drawn(
    "g",
    { class: "stop", "data-tone": tone, "data-step": name, "data-side": isLong ? side : null },
    drawn("circle", { cx: x, cy: TOP, r: RADIUS }),
    tone === "none" ? null : drawn("g", mark, iconPath(ICONS[tone])),
    drawn("text", { class: "name", x, y: TOP + 34 }, name),
    drawn("text", { class: name === "answer" ? "answered" : "took", x, y: TOP + 52 }, told),
    result ? drawn("text", { class: "result", x: resultX, y: TOP + 70 }, result) : null,
  );
}

function shares(stations, width, top) {
  const timed = stations.filter(({ took }) => took > 0);
  const total = timed.reduce((sum, { took }) => sum + took, 0);
  const room = width - BAR.gap * (timed.length - 1);
  let x = 0;
  return timed.map(({ name, took, tone }) => {
    const share = Math.max(2, (room * took) / total);
    const part = drawn(
      "rect",
      {
        class: "share",
        "data-step": name,
        "data-tone": tone,
        x,
        y: top,
        width: share,
        height: BAR.height,
        rx: 2,
      },
      drawn("title", {}, `${name} ${duration(took)}`),
    );
    x += share + BAR.gap;
    return part;
  });
}
