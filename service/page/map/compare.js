/** Areas beside each other in a table, and the table as a file. */

import { nameOf } from "./areas.js";
import { byId, make, offer, remember, remembered, show } from "./dom.js";
import { set } from "./state.js";
import { lastTotals } from "./totals.js";
import { classesOf, measuresOf, methodNamed } from "./methods.js";
import { number, t } from "./texts.js";

/** What areas are compared by, of all methods among them: [[name, title, value(totals, method),
 * write(value)], ...]; of an area of another method the value is null. */
function measures() {
  const judged = ["roofs_judged", t("roofs_judged"), (x) => x.counts.judged, number];
  const aside = [
    ["class_set_aside", t("class_set_aside"), (x) => x.counts.legend.set_aside, number],
    ["class_rejected", t("class_rejected"), (x) => x.counts.rejected, number],
  ];
  const of = [...new Set(areas.map(({ method }) => methodNamed(method)))];
  const classes = (method) => classesOf(method).slice(0, -1).map(({ name, label }) => [`class_${name}`, label, (x) => x.counts.legend[name], number]);
  const named = (method, name) => (of.length > 1 ? `${method.name}_${name}` : name);
  const own = (those) => of.flatMap((method) =>
    those(method).map(([name, title, value, write]) => [named(method, name), title, (x, by) => (by === method ? value(x) : null), write]));
  return [judged, ...own(classes), ...aside, ...own(measuresOf)];
}

let areas = [];

/** What is known of the figures of each area: [[name of a column, title, value(area), write(value)], ...]. */
function basis() {
  return [
    ["complete", t("compare_complete"), wholeOf, (whole) => t(whole ? "compare_whole" : "compare_part")],
    ["heights", t("heights"), (one) => one.heights || null, String],
  ];
}

/** Whether the figures are of all of an area; null where that is not known. */
const wholeOf = ({ complete }) => complete ?? null;

/** Make the buttons work, with what this browser kept. */
export function startCompare() {
  areas = (remembered("compare") ?? []).filter((one) => one?.totals?.counts?.legend);
  byId("compare-add").addEventListener("click", add);
  byId("compare-clear").addEventListener("click", () => keep([]));
  byId("compare-save").addEventListener("click", () => {
    offer(new Blob([csv()], { type: "text/csv;charset=utf-8" }), "daklaag.csv");
  });
  writeCompare();
}

/** The name of an area's figures; of what has no name of its own in the language that is spoken. */
const labelOf = (one) => (one.again ? `${baseOf(one)} (${one.again + 1})` : baseOf(one));
const baseOf = ({ name, area }) => (area === undefined || area?.kind === "place" ? name : nameOf(area));

function add() {
  const last = lastTotals();
  if (!last) return;
  const again = areas.filter((one) => baseOf(one) === last.name).length;
  const { name, area, collection, complete, totals } = last;
  keep([...areas, { name, area, again, collection, complete, heights: last.heights, method: last.method?.name, totals }]);
  set({ tab: "compare" });
}

function keep(chosen) {
  areas = chosen;
  remember("compare", areas.length ? areas : null);
  writeCompare();
}

/** Write the table: a measure a row, an area a column. */
export function writeCompare() {
  show(byId("compare-none"), !areas.length);
  show(byId("compare-scroll"), areas.length > 0);
  show(byId("compare-actions"), areas.length > 0);
  const cellOf = (one, value, write) => {
    const figure = value(one.totals, methodNamed(one.method));
    return figure === undefined || figure === null ? "–" : write(figure);
  };
  const known = basis().map(([, title, value, write]) => {
    const cells = areas.map((one) => [value(one), value(one) === false ? "part" : null]);
    return make("tr", {}, make("th", { scope: "row" }, title), ...cells.map(([figure, mark]) => make("td", { class: mark }, figure === null ? "–" : write(figure))));
  });
  const head = areas.map((one, index) =>
    make("th", { scope: "col" }, labelOf(one), " ",
      make("button", { type: "button", class: "plain", "aria-label": t("compare_drop", { name: labelOf(one) }), onclick: () => keep(areas.filter((_, at) => at !== index)) }, "×")),
  );
  const rows = measures().map(([, title, value, write]) =>
    make("tr", {}, make("th", { scope: "row" }, title), ...areas.map((one) => make("td", {}, cellOf(one, value, write)))),
  );
  byId("compare-table").replaceChildren(
    make("caption", {}, t("compare_caption")),
    make("thead", {}, make("tr", {}, make("td", {}), ...head)),
    make("tbody", {}, ...known, ...rows),
  );
  show(byId("compare-parts"), areas.some((one) => wholeOf(one) === false));
}

/** The same, an area a row; numbers as machines write them. */
function csv() {
  const every = measures();
  const known = basis();
  const lines = [["area", "collection", ...[...known, ...every].map(([name]) => name)]];
  for (const one of areas) {
    const figures = every.map(([, , value]) => value(one.totals, methodNamed(one.method)) ?? "");
    lines.push([labelOf(one), one.collection, ...known.map(([, , value]) => value(one) ?? ""), ...figures]);
  }
  return `${lines.map((line) => line.map(field).join(",")).join("\r\n")}\r\n`;
}

/** A field of CSV; what a spreadsheet would take for a formula is text. */
function field(value) {
  let text = String(value ?? "");
  if (typeof value !== "number" && /^[=+\-@\t]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
