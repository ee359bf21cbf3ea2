/** Numbers with their intervals as bars, and the same as a table. */

import { make, svg } from "./dom.js";
import { about, t } from "./texts.js";

const [WIDE, HIGH] = [360, 150]; // of the picture
const [LEFT, FOOT, HEAD] = [44, 18, 22]; // room for numbers, names and unit
const SURE = "#f0a91c";
const MAYBE = "#fbe3ae"; // within the interval
const INK = "#1f2933";
const LINE = "#d5d9de";

/**
 * A picture and a table under a title.
 * @param {{label: string, short: string, low: number, value: number, high: number}[]} items from
 *   left to right: names in the table and below the bar, the ends of the interval and the number
 */
export function bars(title, unit, items, attributes = {}) {
  return make("section", { class: "bars", ...attributes },
    make("h3", {}, title), picture(unit, items),
    make("details", {}, make("summary", {}, t("as_table")), tableOf(title, unit, items)));
}

function tableOf(title, unit, items) {
  const titles = ["at_least", "at_most", "likely"].map((name) => make("th", { scope: "col" }, `${t(name)} (${unit})`));
  const rows = items.map(({ label, low, high, value }) =>
    make("tr", {}, make("th", { scope: "row" }, label), ...[low, high, value].map((each) => make("td", {}, about(each)))));
  return make("table", { "aria-label": title }, make("thead", {}, make("tr", {}, make("td", {}), ...titles)), make("tbody", {}, ...rows));
}

/** Each bar is sure up to the low end, paler to the high one, with a line at the number. */
function picture(unit, items) {
  const most = roundAbove(Math.max(...items.map(({ high }) => high)));
  const y = (value) => HIGH - FOOT - ((HIGH - FOOT - HEAD) * value) / most;
  const wide = (WIDE - LEFT) / items.length;
  const drawn = items.flatMap((item, at) => bar(item, LEFT + at * wide, wide, y));
  return svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, "aria-hidden": "true" },
    ...[0, most / 2, most].flatMap((value) => rule(value, y(value))), words(unit, 0, 9), ...drawn);
}

function bar({ low, value, high, short }, x, wide, y) {
  const rect = (from, to, fill) => svg("rect", { x: x + 0.15 * wide, width: 0.7 * wide, y: y(to), height: y(from) - y(to), fill });
  const point = svg("path", { d: `M${x + 0.1 * wide} ${y(value)}h${0.8 * wide}`, stroke: INK, "stroke-width": 1.5 });
  return [rect(0, low, SURE), rect(low, high, MAYBE), point, words(short, x + wide / 2, HIGH - 5, "middle")];
}

function rule(value, y) {
  return [svg("path", { d: `M${LEFT} ${y}H${WIDE}`, stroke: LINE, "stroke-width": 1 }), words(about(value), LEFT - 5, y + 4, "end")];
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
