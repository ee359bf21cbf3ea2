/** The legend: by what roofs are coloured, what those colours mean, and the switches of what else
 * the map shows. */

import { byId, make, show } from "./dom.js";
import { isShown, now, on, set } from "./state.js";
import { classesOf, inWords, methodOf, switchable, unitInWords } from "./methods.js";
import { drawsParts, inDetail, kindsInView, outlined } from "./inview.js";
import { showMoments } from "./layers.js";
import { hasMap, theMap } from "./mapview.js";
import { BARE, UNSELECTED, chosenScale, classesOfVerdict, inShades, paler, verdictOf } from "./shades.js";
import { PARTS_ZOOM } from "./sources.js";
import { AREA, MARKS, classSymbol, paletteSymbol, stripesSymbol, svgOf, turbineSymbol } from "./symbols.js";
import { known, number, t } from "./texts.js";
import { WIND, windOf } from "./turbines.js";

const ROOMY = [50, 28]; // a map so wide and high has room for it [rem]

/** A swatch of a class; hatched where it has no colour. */
export function swatch(colour) {
  return svgOf(classSymbol(colour));
}

const entryOf = ({ colour, label }) => ({ symbol: classSymbol(colour), label });

/** What is not judged, and what lies outside the selection: coloured so whatever the colours mean. */
function unknownEntries(collection) {
  const aside = collection.unselected ? [{ colour: UNSELECTED, label: t("class_unselected") }] : [];
  return [classesOf(methodOf(collection)).at(-1), ...aside].map(entryOf);
}

/** What the colours of roofs and their parts mean now: {title, entries: [{symbol, label}, ...], hint}. */
function keyOf(collection) {
  const key = !hasMap() || outlined(collection) ? chosenKey(collection) : null;
  const { title, entries, hint = "" } = key ?? classKey(collection);
  return { title, entries: [...entries, ...unknownEntries(collection)], hint: key || !isChosen() ? hint : t("scale_zoom") };
}

const isChosen = () => Boolean(now().colour || now().sun);

/** The key of a choice, or null where that is the class. */
function chosenKey(collection) {
  const method = methodOf(collection);
  const own = method.own.colouring?.(collection);
  if (own) return { title: own.title, entries: own.entries.map(entryOf) };
  const scale = chosenScale(method);
  if (scale) return { title: inWords(scale.title), entries: stepEntries(scale) };
  const column = verdictOf(method);
  if (!column) return null;
  if (inShades(column) && drawsParts(column.name)) return shadesKey(column);
  const { suits, otherwise } = classesOfVerdict(column, method);
  return { title: t("legend_roofs"), entries: [suits, { ...otherwise, label: t("verdict_not") }].map(entryOf) };
}

const classKey = (collection) => ({ title: t("legend_roofs"), entries: classesOf(methodOf(collection)).slice(0, -1).map(entryOf) });

/** A step of a scale in words, by its place from 0. */
function stepLabel({ edges, unit }, at) {
  const [low, high] = [edges[at - 1], edges[at]].map((edge) => (edge === undefined ? null : number(edge)));
  const key = low === null ? "step_below" : high === null ? "step_from" : "step";
  return t(key, { low, high, unit: unitInWords(unit) });
}

/** The steps of a scale, what is paler, and what has no number. */
function stepEntries(scale) {
  const { colours, wide } = scale;
  const steps = colours.map((colour, at) => entryOf({ colour, label: stepLabel(scale, at) }));
  const unsure = wide ? [{ symbol: stripesSymbol(colours.map(paler)), label: t("scale_wide", { wide: number(100 * wide) }) }] : [];
  return [...steps, ...unsure, entryOf({ colour: BARE, label: t("scale_none") })];
}

/** The colours of parts of roofs, such as planes, and of what is in none. */
const shadeEntries = ({ shades }) => [
  ...shades.map(({ colour, title }) => entryOf({ colour, label: inWords(title) })),
  entryOf({ colour: BARE, label: t("parts_none") }),
];

const shadesKey = (column) => ({ title: t(`colour_${column.name}`), entries: shadeEntries(column), hint: known(`hint_${column.name}`) ? t(`hint_${column.name}`) : "" });

const markEntries = (kinds) => kinds.map((kind) => ({ symbol: MARKS[kind].symbol, label: t(`mark_kind_${kind}`) }));

/** What the colours of a layer mean: {symbol, label}, or null where it has no palette. */
function layerEntry({ drawn, unit }) {
  if (drawn.kind !== "palette") return null;
  const { colours, low, high } = drawn;
  return { symbol: paletteSymbol(colours), label: t("scale", { low: number(low), high: number(high), unit: unitInWords(unit) }) };
}

const titled = (title, { symbol, label }) => ({ symbol, label: `${title}: ${label}` });

/** The palettes of the layers that are shown, by the titles of these. */
function paletteEntries(collection) {
  const layers = switchable(collection).filter((layer) => now().shown.includes(layer.name) && layerEntry(layer));
  return layers.map((layer) => titled(inWords(layer.title), layerEntry(layer)));
}

/** The colour of shadows that are shown. */
function shadowEntries(collection) {
  const { moments } = methodOf(collection).own;
  const layers = switchable(collection).filter(({ name, drawn }) => drawn.kind === "bits" && now().shown.includes(name));
  return layers.map(({ name, title, drawn }) => entryOf({ colour: drawn.colour, label: moments?.[name]?.key(collection) ?? inWords(title) }));
}

/** The colours of parts that are drawn beside those of classes. */
function partEntries(collection) {
  const drawn = methodOf(collection).parts.filter((column) => !column.verdict && inShades(column) && drawsParts(column.name));
  return drawn.flatMap((column) => shadeEntries(column).map((entry) => titled(inWords(column.title), entry)));
}

/** The symbols of turbines: of one that suits, or by the steps of its yield. */
function turbineEntries({ scale }) {
  if (!scale) return [{ symbol: turbineSymbol(), label: t("wind_symbols") }];
  return scale.colours.map((colour, at) => ({ symbol: turbineSymbol(colour), label: stepLabel(scale, at) }));
}

/** The same where they are shown, for a picture. */
function windEntries(collection) {
  const wind = hasMap() && inDetail() && isShown(WIND) ? windOf(collection) : null;
  return wind ? turbineEntries(wind).map((entry) => (wind.scale ? titled(t("wind_yield"), entry) : entry)) : [];
}

/** The switch of the symbols of turbines, and below it what their colours mean. */
function switchOfWind(collection) {
  const wind = hasMap() ? windOf(collection) : null;
  if (!wind) return [];
  const label = switchOff(WIND, t(wind.scale ? "wind_yield" : "wind_symbols"), svgOf(turbineSymbol(), "dot"));
  const key = make("ul", { class: "dots", "data-shades": WIND, "data-testid": "wind-key" }, ...items(turbineEntries(wind), "dot"));
  return wind.scale ? [label, key] : [label];
}

/** All that the map shows now, for a picture of it: {title, entries: [{symbol, label}, ...]}. */
export function legendOf(collection) {
  const area = now().area ? [{ symbol: AREA, label: t("legend_area") }] : [];
  const { title, entries } = keyOf(collection);
  const others = [partEntries, windEntries, shadowEntries, paletteEntries].flatMap((of) => of(collection));
  return { title, entries: [...entries, ...others, ...area, ...markEntries(kindsInView())] };
}

/** Write the legend of a collection, and the switches of its layers, in the language spoken. */
export function writeLegend(collection) {
  byId("legend-colour").replaceChildren(...colouringOf(collection));
  byId("legend-marks").replaceChildren(...items(markEntries(Object.keys(MARKS)), "dot"));
  byId("layers").replaceChildren(
    ...methodOf(collection).parts.flatMap(switchOfParts),
    ...switchOfWind(collection),
    ...switchable(collection).flatMap(switchOf),
  );
  showSwitches(collection);
}

const items = (entries, name) => entries.map(({ symbol, label }) => make("li", {}, svgOf(symbol, name), label));

/** The row of what roofs are coloured by, where there is a choice, and a method's own choice. */
function colouringOf(collection) {
  const { parts, own } = methodOf(collection);
  const choices = parts.flatMap(({ name, scales, verdict }) => [
    ...scales.map((scale) => [scale.name, inWords(scale.title)]),
    ...(verdict ? [[name, t(`colour_${name}`)]] : []),
  ]);
  const options = [["", t("colour_usual")], ...choices].map(([value, title]) => make("option", { value }, title));
  const change = ({ target }) => set({ colour: target.value || null });
  const row = make("label", { class: "colouring" }, make("span", {}, t("colour_by")), make("select", { id: "colour", "data-testid": "colour", onchange: change }, ...options));
  return [...(choices.length ? [row] : []), ...(own.choice ? [own.choice.make()] : [])];
}

/** The switch of a layer, and what stands below it while it is on. */
function switchOf({ name, title, ...layer }) {
  const change = ({ target }) => set({ shown: [...now().shown.filter((one) => one !== name), ...(target.checked ? [name] : [])] });
  const scale = layerEntry(layer);
  return [
    make("label", { class: "switch" }, make("input", { type: "checkbox", "data-testid": name, "data-layer": name, onchange: change }), " ", make("span", {}, inWords(title))),
    scale && make("p", { class: "scale", "data-testid": `scale-${name}`, "data-scale": name }, svgOf(scale.symbol), scale.label),
  ].filter(Boolean);
}

/** The switch of what is shown unless the reader hides it. */
function switchOff(name, title, symbol = null) {
  const change = ({ target }) => set({ hidden: [...now().hidden.filter((one) => one !== name), ...(target.checked ? [] : [name])] });
  return make("label", { class: "switch" }, make("input", { type: "checkbox", "data-testid": name, "data-parts": name, onchange: change }), " ", symbol, make("span", {}, title));
}

/** The switch of a kind of parts of roofs, and below it what their colours mean beside those of classes. */
function switchOfParts(column) {
  const { name, title, verdict } = column;
  const shades = make("div", { "data-shades": name },
    make("ul", { class: "dots", "data-testid": `shades-${name}` }, ...items(shadeEntries(column), "swatch")),
    make("p", { class: "scale" }, [t("parts_zoom"), t("parts_line")].join(" ")));
  return [switchOff(name, inWords(title)), ...(verdict ? [] : [shades])];
}

/** Make the switches work; `collection()` gives the one that is shown. */
export function startLegend(collection) {
  const [tall, marks] = ["tall", "marks-shown"].map(byId);
  marks.addEventListener("change", () => set({ marks: marks.checked }));
  tall.addEventListener("change", () => {
    set({ tall: tall.checked });
    const near = { pitch: 55, bearing: -20, zoom: Math.max(theMap().getZoom(), PARTS_ZOOM) };
    theMap().easeTo({ ...(tall.checked ? near : { pitch: 0, bearing: 0 }), duration: 600 });
  });
  on(["sun"], () => showMoments(collection()));
  on(["shown", "hidden", "colour", "sun", "tall", "marks"], () => showSwitches(collection()));
  theMap().on("zoomend", () => writeKey(collection()));
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const { clientWidth: wide, clientHeight: high } = theMap().getContainer();
  if (wide < ROOMY[0] * rem || high < ROOMY[1] * rem) byId("legend").open = false;
}

/** Write what the colours mean at this zoom. */
function writeKey(collection) {
  const { title, entries, hint } = keyOf(collection);
  byId("legend-title").textContent = title;
  byId("legend-classes").replaceChildren(...items(entries, "swatch"));
  byId("legend-hint").textContent = hint;
}

/** Set the switches as the state says. */
function showSwitches(collection) {
  const { shown, tall, marks, colour } = now();
  const of = (layer) => shown.includes(layer);
  for (const box of document.querySelectorAll("[data-layer]")) box.checked = of(box.dataset.layer);
  for (const box of document.querySelectorAll("[data-parts]")) box.checked = isShown(box.dataset.parts);
  for (const shades of document.querySelectorAll("[data-shades]")) show(shades, isShown(shades.dataset.shades));
  for (const scale of document.querySelectorAll("[data-scale]")) show(scale, of(scale.dataset.scale));
  const choice = byId("colour");
  if (choice) choice.value = [...choice.options].some(({ value }) => value === colour) ? colour : "";
  methodOf(collection).own.choice?.write(collection);
  byId("tall").checked = tall;
  byId("marks-shown").checked = marks;
  show(byId("legend-marks"), marks && !byId("marks-field").hidden);
  writeKey(collection);
}
