/** The card of a roof: its address, what a year gives, its planes, why, and how sure that is. What a
 * method says of its roofs is its own (methods.js); of a method that says nothing the card has what is declared. */

import { besideSections } from "./beside.js";
import { byId, make, terms, unfold } from "./dom.js";
import { swatch } from "./legend.js";
import { basisOf, classesOf, methodOf, ownColumns, termOf } from "./methods.js";
import { partSections, partsOfRoof } from "./parts.js";
import { known, number, t } from "./texts.js";

/**
 * The card as elements.
 * @param {Object} roof its properties, with row, address and geometry
 * @param {Object} collection to which it belongs
 * @param {Object[]} found what other methods say of the building, see beside.js
 * @param {function|null} mark is called to mark it
 */
export function cardOf(roof, collection, found, mark) {
  const method = methodOf(collection);
  const judged = isJudged(roof);
  const first = judged && method.own.headline;
  const remarks = method.own.remarks?.(roof, collection) ?? [];
  return [
    make("h2", { id: "roof-title", tabindex: "-1", "data-testid": "roof-title" }, titleOf(roof)),
    ...(first ? [make("div", { id: "roof-head" }, ...headOf(roof, collection))] : reasonsOf(roof, method, collection)),
    ...setAside(roof),
    ...partSections(collection, roof.row, roof.geometry),
    ...(judged ? method.own.pictures?.(roof, collection) ?? [] : []),
    make("div", { id: "roof-beside" }, ...besideSections(found)),
    ...doubtsOf(roof, method),
    ...(first ? [make("h3", {}, t("judgement")), ...reasonsOf(roof, method, collection)] : []),
    numbers(roof, method, collection),
    ...remarks.map((text) => make("p", { class: "hint" }, text)),
    ...(mark ? [make("div", { class: "row" }, make("button", { type: "button", "data-testid": "roof-mark", onclick: mark }, t("roof_mark")))] : []),
    sources(collection),
  ];
}

/** Write the title anew, when an address came. */
export function rewriteTitle(roof) {
  byId("roof-title")?.replaceChildren(titleOf(roof));
}

/** Write the head of the card anew, when its parts came. */
export function rewriteHead(roof, collection) {
  byId("roof-head")?.replaceChildren(...headOf(roof, collection));
}

/** Write what other methods say, when it came. */
export function rewriteBeside(found) {
  byId("roof-beside")?.replaceChildren(...besideSections(found));
}

const isJudged = (roof) => !roof.rejected && Boolean(roof.class);

const titleOf = (roof) => roof.address ?? `${t("building")} ${roof.id || roof.row}`;

/** The headline: a yield with its interval first, and a line on what gives it. */
function headOf(roof, collection) {
  const method = methodOf(collection);
  const parts = method.parts.flatMap(({ name }) => partsOfRoof(roof.row, name) ?? []);
  const { lead, likely, line } = method.own.headline(roof, collection, parts);
  return [
    make("p", { class: "headline", "data-testid": "headline" }, make("strong", {}, lead), likely ? ` ${likely}` : ""),
    make("p", { class: "lead", "data-testid": "headline-line" }, line[0].toUpperCase() + line.slice(1)),
  ];
}

/** The class of the roof, and why it has it. */
function reasonsOf(roof, method, collection) {
  const kind = kindOf(roof, method);
  const key = `verdict_${kind.name}`;
  return [
    make("p", { class: "kind" }, swatch(kind.colour), make("strong", { "data-testid": "roof-class" }, known(key) ? t(key) : kind.label)),
    ...because(roof, method, collection).map((text) => make("p", { "data-testid": "roof-reason" }, text)),
  ];
}

/** A roof's class with its colour and words. */
export function kindOf(roof, method) {
  const wanted = isJudged(roof) ? roof.class : "rejected";
  return classesOf(method).find(({ name }) => name === wanted);
}

/** Why the roof has its class. */
function because(roof, method, collection) {
  if (isJudged(roof)) return method.own.because?.(roof, collection) ?? [];
  return [t("because_rejected", { why: roof.rejected ? termOf(method, "reasons", roof.rejected) : t("unknown") })];
}

/** What restrictions set the roof aside from. */
function setAside(roof) {
  if (!isJudged(roof) || !roof.excluded) return [];
  return [make("p", { class: "warning", "data-testid": "roof-reason" }, t(`excluded_${roof.excluded}`))];
}

/** Why a number may be wrong here, in sentences. */
function doubtsOf(roof, method) {
  const { mattersNot = () => false } = method.own;
  const names = Array.isArray(roof.flags) ? roof.flags : String(roof.flags ?? "").split(",");
  const flags = names.map((name) => name.trim()).filter((name) => name && !mattersNot(name, roof));
  if (!flags.length) return [];
  return [make("h3", {}, t("flags")), make("ul", { "data-testid": "roof-flags" }, ...flags.map((name) => make("li", {}, termOf(method, "flags", name))))];
}

const decimetres = (value) => (Number.isFinite(value) ? Math.round(10 * value) / 10 : null);

/** A roof's height as it is shown: what lies between the roof and the ground that are shown. */
export function heightOf({ roof_m: roof, ground_m: ground, height_m: height }) {
  return decimetres(Number.isFinite(roof) && Number.isFinite(ground) ? decimetres(roof) - decimetres(ground) : height);
}

function numbers(roof, method, collection) {
  const metres = (value, unit = "m") => (value === null || value === undefined ? null : `${number(value, unit === "m" ? 1 : 0)} ${unit}`);
  return terms(
    [
      ...(method.own.card?.(roof, collection) ?? ownColumns(method, roof)),
      [t("roof_area"), metres(roof.area_m2 || null, "m²")],
      [t("height"), metres(heightOf(roof))],
      [t("roof_nap"), metres(decimetres(roof.roof_m))],
      [t("ground_nap"), metres(decimetres(roof.ground_m))],
      [t("built"), roof.built ? String(roof.built) : null],
      [t("status"), roof.status],
      [t("bag_id"), roof.id || null],
    ],
    { class: "terms", "data-testid": "roof-numbers" },
  );
}

function sources(collection) {
  return make("div", { class: "basis" },
    make("h3", {}, t("basis")),
    terms(basisOf(collection), { class: "terms", "data-testid": "roof-sources" }),
    make("p", { class: "hint", "data-testid": "roof-not-judged" }, t("not_judged_here")));
}

/** The card as it is printed: nothing to press, nothing folded, and without what the page's sources say. */
export function printed(card) {
  const copy = make("section", { class: "paper-roof" }, ...card.cloneNode(true).childNodes);
  for (const chip of copy.querySelectorAll(".chip")) chip.replaceWith(make("div", { class: "chip" }, ...chip.childNodes));
  unfold(copy);
  for (const one of copy.querySelectorAll("button, .basis")) one.remove();
  for (const one of copy.querySelectorAll("[hidden]")) one.removeAttribute("hidden");
  for (const name of ["id", "data-testid"]) {
    for (const one of copy.querySelectorAll(`[${name}]`)) one.removeAttribute(name);
  }
  return copy;
}
