// Makes elements without markup. Every text becomes a text node, so nothing that a sender chose can
// become an element, an attribute or a script.

const SVG = "http://www.w3.org/2000/svg";

// Characters that are invisible, or that reverse the text around them. They are shown as escapes.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Makes an element with attributes. A function becomes a listener; `false` omits an attribute. */
export function element(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

/** Makes an element of an SVG drawing. */
export function drawn(name, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

/** Returns a text that a sender chose, with each invisible character escaped. */
export function visible(text) {
  return escapeInvisible(text, "");
}

/** Does the same, but keeps line breaks and tabs. */
export function visibleLines(text) {
  return escapeInvisible(text, "\n\t");
}

function escapeInvisible(text, kept) {
  return String(text).replace(INVISIBLE, (character) =>
    kept.includes(character) ? character : `\\u{${character.codePointAt(0).toString(16)}}`,
  );
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (typeof value === "boolean") node.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return node;
}

const ICONS = {
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4 4l8 8M12 4l-8 8",
  repeat: "M3 7V6a2 2 0 0 1 2-2h7M10 2l2 2-2 2M13 9v1a2 2 0 0 1-2 2H4M6 14l-2-2 2-2",
  clock: "M8 4.5V8l2.5 1.5M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8z",
  alert: "M8 5v3.5M8 11.2v.1M8 1.8L15 14H1z",
  pen: "M10.5 3l2.5 2.5L6 12.5l-3 .5.5-3z",
  save: "M8 2.5v7M5 7l3 3 3-3M3 13h10",
  copy: "M6 6h7v7H6zM10 3H3v7",
  left: "M9.5 3.5L5 8l4.5 4.5",
};

/** Makes the strokes of an icon, in a square of 16 by 16. */
export function iconPath(name) {
  return drawn("path", { d: ICONS[name] });
}

/** Makes an icon. It is hidden from screen readers, because the text beside it says the same. */
export function icon(name) {
  return drawn(
    "svg",
    { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" },
    iconPath(name),
  );
}
