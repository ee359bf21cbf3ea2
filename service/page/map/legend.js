/** The legend, and the switches of what the map shows. */

import { byId, make, show } from "./dom.js";
import { now, on, set } from "./state.js";
import { classesOf, inWords, methodOf, switchable, unitInWords } from "./methods.js";
import { BARE, UNSELECTED, chosenScale, drawsParts, hasMap, inDetail, kindsInView, showMoments, theMap } from "./mapview.js";
import { scaleOf } from "./shades.js";
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

/** What the colours of a palette mean: {symbol, label}. */
function paletteEntry({ colours, low, high }, unit) {
  return { symbol: paletteSymbol(colours), label: t("scale", { low: number(low), high: number(high), unit: unitInWords(unit) }) };
}

/** The same of a layer, or null where it has no palette. */
function layerEntry({ drawn, unit }) {
  return drawn.kind === "palette" ? paletteEntry(drawn, unit) : null;
}

/** The scales of the layers that are shown, by the titles of these. */
function scaleEntries(collection) {
  const layers = switchable(collection).filter((layer) => now().shown.includes(layer.name) && layerEntry(layer));
  return layers.map((layer) => titled(layer.title, layerEntry(layer)));
}

/** The colours of parts of roofs, such as planes, and of what is in none. */
const shadeEntries = ({ shades }) => [
  ...shades.map(({ colour, title }) => ({ symbol: classSymbol(colour), label: inWords(title) })),
  { symbol: classSymbol(BARE), label: t("parts_none") },
];

/** The colours of a scale, and of what has none of its numbers. */
const colourEntries = (scale) => [paletteEntry(scale, scale.unit), { symbol: classSymbol(BARE), label: t("scale_none") }];

const titled = (title, { symbol, label }) => ({ symbol, label: `${inWords(title)}: ${label}` });

/** The colours of the parts that are drawn, or those of the scale that is chosen, by their titles. */
function partEntries(collection) {
  const scale = chosenScale(collection);
  if (scale) return hasMap() && inDetail() ? colourEntries(scale).map((entry) => titled(scale.title, entry)) : [];
  const drawn = methodOf(collection).parts.filter(({ name }) => drawsParts(name));
  return drawn.flatMap((column) => shadeEntries(column).map((entry) => titled(column.title, entry)));
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
    ...methodOf(collection).parts.flatMap((column) => [...colouringOf(column, items), ...switchOfParts(column, items)]),
    ...switchable(collection).flatMap((layer) => switchOf(collection, layer)),
  );
  showSwitches(collection);
}

/** The switch of a layer, and what stands below it while it is on. */
function switchOf(collection, { name, title, ...layer }) {
  const change = ({ target }) => set({ shown: [...now().shown.filter((one) => one !== name), ...(target.checked ? [name] : [])] });
  const scale = layerEntry(layer);
  const moments = methodOf(collection).own.moments?.[name];
  return [
    make("label", { class: "switch" }, make("input", { type: "checkbox", "data-testid": name, "data-layer": name, onchange: change }), " ", make("span", {}, inWords(title))),
    scale && make("p", { class: "scale", "data-testid": `scale-${name}`, "data-scale": name }, svgOf(scale.symbol), scale.label),
    moments && moments.make(),
  ].filter(Boolean);
}

/** The choice by what roofs and their parts are coloured, and below it what the colours mean. */
function colouringOf(column, items) {
  const { name, scales } = column;
  if (!scales.length) return [];
  const usual = `colour_${name}`;
  const options = [make("option", { value: "" }, t(known(usual) ? usual : "colour_usual")), ...scales.map((scale) => make("option", { value: scale.name }, inWords(scale.title)))];
  const change = ({ target }) => set({ colour: target.value || null });
  return [
    make("label", { class: "colouring" }, make("span", {}, t("colour_by")), make("select", { "data-testid": `colour-${name}`, "data-colouring": name, onchange: change }, ...options)),
    ...scales.map((scale) => make("div", { "data-colour": scale.name, "data-testid": `colour-${scale.name}` },
      make("ul", { class: "scales" }, ...items(colourEntries(scale), "swatch")),
      make("p", { class: "scale" }, t("scale_zoom")))),
  ];
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
  on(["shown", "hidden", "colour", "sun", "tall", "marks"], () => showSwitches(collection()));
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
  for (const column of methodOf(collection).parts) {
    const scale = scaleOf(column);
    for (const choice of document.querySelectorAll(`[data-colouring=${column.name}]`)) choice.value = scale?.name ?? "";
    for (const colours of document.querySelectorAll("[data-colour]")) show(colours, colours.dataset.colour === scale?.name);
    for (const shades of document.querySelectorAll(`[data-shades=${column.name}]`)) show(shades, !scale && !hidden.includes(column.name));
  }
  for (const scale of document.querySelectorAll("[data-scale]")) show(scale, of(scale.dataset.scale));
  for (const { name } of switchable(collection)) methodOf(collection).own.moments?.[name]?.write(collection, of(name));
  byId("tall").checked = tall;
  byId("marks-shown").checked = marks;
  show(byId("legend-marks"), marks && !byId("marks-field").hidden);
}
