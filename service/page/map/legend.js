/** The legend, and the switches of what the map shows. */

import { byId, make, show } from "./dom.js";
import { now, on, set } from "./state.js";
import { classesOf, inWords, methodOf, switchable } from "./methods.js";
import { BARE, UNSELECTED, drawsParts, kindsInView, showMoments, theMap } from "./mapview.js";
import { AREA, MARKS, classSymbol, paletteSymbol, svgOf } from "./symbols.js";
import { known, number, t } from "./texts.js";

const ROOMY = [50, 28]; // a map so wide and high has room for it [rem]

/** A swatch of a class; hatched where it has no colour. */
export function swatch(colour) {
  return svgOf(classSymbol(colour));
}

/** The classes of a collection and what it does not count, with their symbols. */
function roofEntries(collection) {
  const aside = collection.unselected ? [{ colour: UNSELECTED, label: t("class_unselected") }] : [];
  return [...classesOf(methodOf(collection)), ...aside].map(({ colour, label }) => ({ symbol: classSymbol(colour), label }));
}

const markEntries = (kinds) => kinds.map((kind) => ({ symbol: MARKS[kind].symbol, label: t(`mark_kind_${kind}`) }));

/** What the colours of a layer mean: {symbol, label}, or null where it has no palette. */
function scaleOf({ drawn, unit }) {
  if (drawn.kind !== "palette") return null;
  const label = t("scale", { low: number(drawn.low), high: number(drawn.high), unit });
  return { symbol: paletteSymbol(drawn.colours), label };
}

/** The scales of the layers that are shown, by the titles of these. */
function scaleEntries(collection) {
  const layers = switchable(collection).filter((layer) => now().shown.includes(layer.name) && scaleOf(layer));
  return layers.map((layer) => ({ ...scaleOf(layer), label: `${inWords(layer.title)}: ${scaleOf(layer).label}` }));
}

/** The colours of parts of roofs, such as planes, and of what is in none. */
const shadeEntries = ({ shades }) => [
  ...shades.map(({ colour, title }) => ({ symbol: classSymbol(colour), label: inWords(title) })),
  { symbol: classSymbol(BARE), label: t("parts_none") },
];

/** The same of those that are drawn, by the title of these. */
function partEntries(collection) {
  const drawn = methodOf(collection).parts.filter(({ name }) => drawsParts(name));
  return drawn.flatMap((column) => shadeEntries(column).map(({ symbol, label }) => ({ symbol, label: `${inWords(column.title)}: ${label}` })));
}

/** All that the map shows now, for a picture of it: [{symbol, label}, ...]. */
export function legendOf(collection) {
  const area = now().area ? [{ symbol: AREA, label: t("legend_area") }] : [];
  return [...roofEntries(collection), ...partEntries(collection), ...scaleEntries(collection), ...area, ...markEntries(kindsInView())];
}

/** Write the legend of a collection, and the switches of its layers, in the language spoken. */
export function writeLegend(collection) {
  const items = (entries, name) => entries.map(({ symbol, label }) => make("li", {}, svgOf(symbol, name), label));
  byId("legend-classes").replaceChildren(...items(roofEntries(collection), "swatch"));
  byId("legend-marks").replaceChildren(...items(markEntries(Object.keys(MARKS)), "dot"));
  byId("layers").replaceChildren(
    ...methodOf(collection).parts.flatMap((column) => switchOfParts(column, items)),
    ...switchable(collection).flatMap((layer) => switchOf(collection, layer)),
  );
  showSwitches(collection);
}

/** The switch of a layer, and what stands below it while it is on. */
function switchOf(collection, { name, title, ...layer }) {
  const change = ({ target }) => set({ shown: [...now().shown.filter((one) => one !== name), ...(target.checked ? [name] : [])] });
  const scale = scaleOf(layer);
  const moments = methodOf(collection).own.moments?.[name];
  return [
    make("label", { class: "switch" }, make("input", { type: "checkbox", "data-testid": name, "data-layer": name, onchange: change }), " ", make("span", {}, inWords(title))),
    scale && make("p", { class: "scale", "data-testid": `scale-${name}`, "data-scale": name }, svgOf(scale.symbol), scale.label),
    moments && moments.make(),
  ].filter(Boolean);
}

/** The switch of a kind of parts of roofs, and below it what their colours mean. */
function switchOfParts(column, items) {
  const { name, title } = column;
  const change = ({ target }) => set({ hidden: [...now().hidden.filter((one) => one !== name), ...(target.checked ? [] : [name])] });
  const hint = `hint_${name}`;
  return [
    make("label", { class: "switch" }, make("input", { type: "checkbox", "data-testid": name, "data-parts": name, onchange: change }), " ", make("span", {}, inWords(title))),
    make("div", { "data-shades": name },
      make("ul", { class: "dots", "data-testid": `shades-${name}` }, ...items(shadeEntries(column), "swatch")),
      make("p", { class: "scale" }, [...(known(hint) ? [t(hint)] : []), t("parts_zoom"), t("parts_line")].join(" "))),
  ];
}

/** Make the switches work; `collection()` gives the one that is shown. */
export function startLegend(collection) {
  const [tall, marks] = ["tall", "marks-shown"].map(byId);
  marks.addEventListener("change", () => set({ marks: marks.checked }));
  tall.addEventListener("change", () => {
    set({ tall: tall.checked });
    theMap().easeTo({ pitch: tall.checked ? 55 : 0, bearing: tall.checked ? -20 : 0, duration: 600 });
  });
  on(["sun"], () => showMoments(collection()));
  on(["shown", "hidden", "sun", "tall", "marks"], () => showSwitches(collection()));
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const { clientWidth: wide, clientHeight: high } = theMap().getContainer();
  if (wide < ROOMY[0] * rem || high < ROOMY[1] * rem) byId("legend").open = false;
}

/** Set the switches as the state says. */
function showSwitches(collection) {
  const { shown, hidden, tall, marks } = now();
  const of = (layer) => shown.includes(layer);
  for (const box of document.querySelectorAll("[data-layer]")) box.checked = of(box.dataset.layer);
  for (const box of document.querySelectorAll("[data-parts]")) box.checked = !hidden.includes(box.dataset.parts);
  for (const shades of document.querySelectorAll("[data-shades]")) show(shades, !hidden.includes(shades.dataset.shades));
  for (const scale of document.querySelectorAll("[data-scale]")) show(scale, of(scale.dataset.scale));
  for (const { name } of switchable(collection)) methodOf(collection).own.moments?.[name]?.write(collection, of(name));
  byId("tall").checked = tall;
  byId("marks-shown").checked = marks;
  show(byId("legend-marks"), marks && !byId("marks-field").hidden);
}
