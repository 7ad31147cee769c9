// Lays out JSON for reading. It works on the text, token by token, so numbers keep their digits and
// members their order. `JSON.parse` only says whether the text is JSON.

import { element, visibleLines } from "./dom.js";

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
// Longer texts are not coloured: the elements that this takes make a browser slow.
const COLOURED_CHARACTERS = 200_000;
// Deeper lines are indented no further: a small hostile body would take gigabytes of spaces.
const MOST_INDENTED = 40;

/** Returns whether a text is JSON. */
export function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Makes a block of JSON, indented and coloured. */
export function prettyJson(text) {
  const tokens = layOut(text.match(TOKENS) ?? []);
  if (text.length > COLOURED_CHARACTERS) return block(tokens.map(([, token]) => token).join(""));
  return block(
    tokens.map(([kind, token]) =>
      kind ? element("span", { class: `json-${kind}` }, visibleLines(token)) : token,
    ),
  );
}

/** Makes a block of text, as it is. */
export function block(content) {
  const text = typeof content === "string" ? visibleLines(content) : content;
  return element("pre", { class: "code", tabindex: "0" }, element("code", {}, text));
}

// Gives each token its kind, and puts line breaks and spaces between them.
function layOut(tokens) {
  const laidOut = [];
  let depth = 0;
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    const line = () => `\n${"  ".repeat(Math.min(depth, MOST_INDENTED))}`;
    if ("{[".includes(token)) {
      depth += 1;
      laidOut.push(["", token]);
      if (!"}]".includes(next)) laidOut.push(["", line()]);
    } else if ("}]".includes(token)) {
      depth -= 1;
      if (!"{[".includes(tokens[index - 1])) laidOut.push(["", line()]);
      laidOut.push(["", token]);
    } else if (token === ",") {
      laidOut.push(["", `,${line()}`]);
    } else if (token === ":") {
      laidOut.push(["", ": "]);
    } else {
      laidOut.push([kind(token, next), token]);
    }
  });
  return laidOut;
}

function kind(token, next) {
  if (token.startsWith('"')) return next === ":" ? "name" : "text";
  return /^[-0-9]/.test(token) ? "number" : "word";
}
