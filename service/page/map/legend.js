/** The legend, and the switches of what the map shows. */

import { byId, make, show } from "./dom.js";
import { now, on, set } from "./state.js";
import { UNSELECTED, kindsInView, showSun, theMap } from "./mapview.js";
import { AREA, MARKS, classSymbol, svgOf } from "./symbols.js";
import { lang, number, t } from "./texts.js";

const ROOMY = [50, 28]; // a map so wide and high has room for it [rem]

/** The classes in their order with colour and words, those not judged last. */
export function classesOf(config) {
  const own = Object.entries(config.classes).map(([name, told]) => ({
    name, colour: told.colour, label: told.label?.[lang()] ?? t(`class_${name}`),
  }));
  return [...own, { name: "rejected", colour: null, label: t("class_rejected") }];
}

/** A swatch of a class; hatched where it has no colour. */
export function swatch(colour) {
  return svgOf(classSymbol(colour));
}

/** The classes of a collection and what it does not count, with their symbols. */
function roofsTold(config, { unselected }) {
  const aside = unselected ? [{ colour: UNSELECTED, label: t("class_unselected") }] : [];
  return [...classesOf(config), ...aside].map(({ colour, label }) => ({ symbol: classSymbol(colour), label }));
}

const marksTold = (kinds) => kinds.map((kind) => ({ symbol: MARKS[kind].symbol, label: t(`mark_kind_${kind}`) }));

/** All that the map shows now, for a picture of it: [{symbol, label}, ...]. */
export function legendOf(config, collection) {
  const area = now().area ? [{ symbol: AREA, label: t("legend_area") }] : [];
  return [...roofsTold(config, collection), ...area, ...marksTold(kindsInView())];
}

/** Write the legend of a collection in the language spoken. */
export function writeLegend(config, collection) {
  const items = (told, name) => told.map(({ symbol, label }) => make("li", {}, svgOf(symbol, name), label));
  byId("legend-classes").replaceChildren(...items(roofsTold(config, collection), "swatch"));
  byId("legend-marks").replaceChildren(...items(marksTold(Object.keys(MARKS)), "dot"));
}

/** Make the switches work; `collection()` gives the one that is shown. */
export function startLegend(collection) {
  const [shadow, tall, marks, sun] = ["shadow", "tall", "marks-shown", "sun"].map(byId);
  shadow.addEventListener("change", () => set({ shadow: shadow.checked }));
  marks.addEventListener("change", () => set({ marks: marks.checked }));
  tall.addEventListener("change", () => {
    set({ tall: tall.checked });
    theMap().easeTo({ pitch: tall.checked ? 55 : 0, bearing: tall.checked ? -20 : 0, duration: 600 });
  });
  sun.addEventListener("input", () => set({ sun: Number(sun.value) }));
  on(["sun"], () => showSun(collection()));
  on(["shadow", "sun", "tall", "marks", "lang"], () => showSwitches(collection()));
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const { clientWidth: wide, clientHeight: high } = theMap().getContainer();
  if (wide < ROOMY[0] * rem || high < ROOMY[1] * rem) byId("legend").open = false;
}

/** Set the switches as the state says, for what this collection has. */
export function showSwitches(collection) {
  const { shadow, tall, marks, sun } = now();
  const suns = collection.suns ?? [];
  const there = Boolean(collection.layers?.includes("shadow") || collection.tiles?.shadow);
  const timed = there && (!collection.tiles || suns.every((time) => collection.tiles[`shadow@${time}`]));
  show(byId("shadow-field"), there);
  show(byId("sun-field"), there && shadow && timed && suns.length > 0);
  byId("shadow").checked = shadow;
  byId("tall").checked = tall;
  byId("marks-shown").checked = marks;
  show(byId("legend-marks"), marks && !byId("marks-field").hidden);
  const slider = byId("sun");
  slider.max = String(suns.length);
  slider.value = String(Math.min(sun, suns.length));
  const told = suns[sun - 1] ? `${suns[sun - 1]} ${t("cet")}` : t("all_times", { n: number(suns.length) });
  byId("sun-told").textContent = told;
  slider.setAttribute("aria-valuetext", told);
}
