/** Shares of a sum by direction as a rose, and the same as a table. */

import { folded, make, svg, tableOf } from "./dom.js";
import { percent, t } from "./texts.js";

const RADIUS = 50;
const [FULL, EDGE, LINE] = ["#5b9bd5", "#0b4f94", "#b6bec7"];
const MAIN = 3; // of twelve sectors, every third has its letter on the picture

/**
 * A picture and a table: a sector's area goes with its number.
 * @param {number[]} values by sectors clockwise, the first centred on north
 * @param {string[]} names of the sectors, short
 */
export function rose(title, values, names) {
  return make("div", { class: "rose", "data-testid": "rose" }, picture(values, names),
    folded(t("as_table"), {}, tableOf(title, [t("share_of_all")], rowsOf(values, names))));
}

function rowsOf(values, names) {
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value, at) => [names[at], sum ? percent(value / sum) : "–"]);
}

function picture(values, names) {
  const most = Math.max(...values);
  const sectors = most > 0 ? values.map((value, at) => sector(RADIUS * Math.sqrt(value / most), at, values.length)) : [];
  const rings = [RADIUS, RADIUS * Math.SQRT1_2].map((r) => svg("circle", { r, fill: "none", stroke: LINE, "stroke-width": 0.7 }));
  const letters = names.flatMap((name, at) => (at % MAIN ? [] : [letter(name, at, names.length)]));
  return svg("svg", { viewBox: "-64 -62 128 124", "aria-hidden": "true" }, ...rings, ...sectors, ...letters);
}

/** East and south of the middle, at a distance in the direction of a sector. */
function along(r, at, count) {
  const angle = (2 * Math.PI * at) / count;
  return [r * Math.sin(angle), -r * Math.cos(angle)];
}

function sector(r, at, count) {
  const [from, to] = [at - 0.5, at + 0.5].map((edge) => along(r, edge, count).map((each) => each.toFixed(2)));
  const d = `M0 0L${from}A${r.toFixed(2)} ${r.toFixed(2)} 0 0 1 ${to}Z`;
  return svg("path", { d, fill: FULL, stroke: EDGE, "stroke-width": 0.8 });
}

function letter(name, at, count) {
  const [x, y] = along(RADIUS + 7, at, count);
  const element = svg("text", { x, y: y + 3.5, "text-anchor": "middle" });
  element.append(name);
  return element;
}
