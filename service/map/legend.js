/** The legend, and the switches of what the map shows. */

import { byId, make, show } from "./dom.js";
import { now, on, set } from "./state.js";
import { MARK_COLOURS, UNSELECTED, showSun, theMap } from "./mapview.js";
import { lang, number, t } from "./texts.js";

/** The classes in their order with colour and words, those not judged last. */
export function classesOf(config) {
  const own = Object.entries(config.classes).map(([name, told]) => ({
    name, colour: told.colour, label: told.label?.[lang()] ?? t(`class_${name}`),
  }));
  return [...own, { name: "rejected", colour: null, label: t("class_rejected") }];
}

/** A swatch of a class; hatched where it has no colour. */
export function swatch(colour) {
  const image = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  image.setAttribute("class", colour ? "swatch" : "swatch hatched");
  image.setAttribute("viewBox", "0 0 16 16");
  image.setAttribute("aria-hidden", "true");
  const part = (name, attributes) => {
    const shape = document.createElementNS(image.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    image.append(shape);
  };
  part("rect", { width: 16, height: 16, fill: colour ?? "#fbfaf7" });
  if (!colour) part("path", { d: "M-2 6 6-2M-2 14 14-2M2 18 18 2M10 18 18 10", stroke: "#6b6b6b", "stroke-width": 1.6 });
  return image;
}

/** Write the legend of a collection in the language spoken. */
export function writeLegend(config, { unselected }) {
  const aside = unselected ? [{ colour: UNSELECTED, label: t("class_unselected") }] : [];
  byId("legend-classes").replaceChildren(
    ...[...classesOf(config), ...aside].map(({ colour, label }) => make("li", {}, swatch(colour), label)),
  );
  byId("legend-marks").replaceChildren(
    ...Object.entries(MARK_COLOURS).map(([kind, colour]) => make("li", {}, dot(colour), t(`mark_kind_${kind}`))),
  );
}

function dot(colour) {
  const image = swatch(colour);
  image.setAttribute("class", "dot");
  image.firstChild.setAttribute("rx", 8);
  return image;
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
  // On a telephone, upright or on its side, it would hide the map.
  if (matchMedia("(max-width: 760px), (max-height: 500px)").matches) byId("legend").open = false;
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
