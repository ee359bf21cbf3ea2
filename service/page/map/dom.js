/** Small helpers to make and find elements; text is always set as text, never as HTML. */

import { known, piecesOf, t } from "./texts.js";

/** The element with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Make an element.
 * @param {string} name of the tag
 * @param {Object<string, any>} [attributes] a function is a listener (onclick), true an empty
 *   attribute, null or false none
 * @param {...(Node|string|null)} children
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Make an element of SVG. */
export function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A text of the service, which is English but for the pieces that the page has words for; null for none. */
export function english(text) {
  if (!text) return null;
  const pieces = piecesOf(text).map((one) => (known(one) ? t(one) : make("span", { lang: "en" }, one)));
  return make("span", {}, ...pieces.flatMap((piece, at) => (at ? ["; ", piece] : [piece])));
}

/** Show an element or not. */
export function show(element, shown) {
  element.hidden = !shown;
}

/** A list of terms with their values: [[term, value], ...]; rows without a value are left out. */
export function terms(rows, attributes = {}) {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return make(
    "dl",
    attributes,
    ...known.map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))),
  );
}

/** A table with its caption, which is moved within its width where it has no room, by key too. */
export function tableOf(caption, head, rows) {
  const titles = head.map((text) => make("th", { scope: "col" }, text));
  const lines = rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((text) => make("td", {}, text))));
  const table = make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, make("td", {}), ...titles)), make("tbody", {}, ...lines));
  return make("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": caption }, table);
}

/** What is folded under its title until a reader opens it. */
export function folded(title, attributes, ...children) {
  return make("details", attributes, make("summary", {}, title), ...children);
}

/** Show all that is folded within an element, for paper: titles that are headings stay, a mere switch goes. */
export function unfold(element) {
  for (const summary of element.querySelectorAll("summary")) summary.replaceWith(...summary.children);
  for (const one of element.querySelectorAll("details")) one.replaceWith(...one.childNodes);
  return element;
}

/** Give the browser a file to save. */
export function offer(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Call `act` once, when it was not asked for again during `wait` milliseconds. */
export function later(act, wait) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), wait);
  };
}

/** What this browser remembers under a name, or null; storage may be full or forbidden. */
export function remembered(name) {
  try {
    return JSON.parse(localStorage.getItem(`daklaag.${name}`));
  } catch {
    return null;
  }
}

/** Remember a value of JSON under a name; null forgets it. */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`daklaag.${name}`);
    else localStorage.setItem(`daklaag.${name}`, JSON.stringify(value));
  } catch {
    // Without storage the page works, and a reload begins anew.
  }
}
