/** Numbers with their intervals as bars, and the same as a table. */

import { folded, make, svg, tableOf } from "./dom.js";
import { about, t } from "./texts.js";

const [WIDE, HIGH] = [360, 150]; // of the picture
const [FOOT, HEAD] = [18, 22]; // room for names and unit
const [DIGIT, GAP] = [7.2, 8]; // width of a digit at most, and between numbers and bars
const FULL = "#f0a91c";
const LOST = "#fdf1d2"; // what the number falls short of the most that there could be
const [INK, EDGE, LINE] = ["#1f2933", "#a87200", "#d5d9de"];

/**
 * A picture and a table under a title.
 * @param {{label: string, short: string, low: number, value: number, high: number, most: number}[]} items
 *   from left to right: names in the table and below the bar, the ends of the interval, the number,
 *   and the most that it could be with nothing lost, where that is known
 * @param {{hint: string, most: string}} words what the picture shows, and the title of the most, if known
 */
export function bars(title, unit, items, words, attributes = {}) {
  return make("section", { class: "bars", ...attributes },
    make("h3", {}, title), picture(unit, items), make("p", { class: "hint" }, words.hint),
    folded(t("as_table"), {}, tableOf(`${title} (${unit})`, [t("at_least"), t("at_most"), t("likely"), ...(words.most ? [words.most] : [])], items.map(rowOf))));
}

const rowOf = (item) => [item.label, ...["low", "high", "value", "most"].filter((name) => name in item).map((name) => about(item[name]))];

/** Each bar is full up to the number and pale up to the most, with a whisker over the interval. */
function picture(unit, items) {
  const most = roundAbove(Math.max(...items.flatMap(({ high, most: all = high }) => [high, all])));
  const y = (value) => HIGH - FOOT - ((HIGH - FOOT - HEAD) * value) / most;
  const rules = [0, most / 2, most];
  const left = GAP + DIGIT * Math.max(...rules.map((value) => about(value).length));
  const wide = (WIDE - left) / items.length;
  const drawn = items.flatMap((item, at) => bar(item, left + at * wide, wide, y));
  return svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, "aria-hidden": "true" },
    ...rules.flatMap((value) => rule(value, left, y(value))), words(unit, 0, 9), ...drawn);
}

function bar({ low, value, high, most = value, short }, x, wide, y) {
  const rect = (from, to, fill) =>
    svg("rect", { x: x + 0.15 * wide, width: 0.7 * wide, y: y(to), height: y(from) - y(to), fill, stroke: EDGE, "stroke-width": 0.6 });
  const [middle, cap] = [x + wide / 2, 0.16 * wide];
  const ends = [low, high].map((end) => `M${middle - cap} ${y(end)}h${2 * cap}`).join("");
  const whisker = svg("path", { d: `M${middle} ${y(low)}V${y(high)}${ends}`, stroke: INK, "stroke-width": 1.4, fill: "none" });
  return [rect(0, value, FULL), rect(value, Math.max(most, value), LOST), whisker, words(short, middle, HIGH - 5, "middle")];
}

function rule(value, left, y) {
  return [svg("path", { d: `M${left} ${y}H${WIDE}`, stroke: LINE, "stroke-width": 1 }), words(about(value), left - 5, y + 4, "end")];
}

function words(text, x, y, anchor = "start") {
  const element = svg("text", { x, y, "text-anchor": anchor });
  element.append(text);
  return element;
}

/** A round number that is not below another; 1 for none. */
function roundAbove(value) {
  if (!(value > 0)) return 1;
  const ten = 10 ** Math.floor(Math.log10(value));
  return ten * [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((part) => part * ten >= value);
}
