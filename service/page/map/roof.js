/** One roof: what the computation says of it, why, and how to find it without a mouse. */

import { byId, make, terms } from "./dom.js";
import { now, on, set } from "./state.js";
import { boundsOf } from "./shapes.js";
import { choose, goTo, hasMap, inDetail, roofsInView, theMap, uncover, viewBox } from "./mapview.js";
import { swatch } from "./legend.js";
import { basisOf, classesOf, methodOf, ownColumns, termOf } from "./methods.js";
import { bringParts, partSections, startParts } from "./parts.js";
import { number, t } from "./texts.js";

const MOST_LISTED = 100;
let app = null; // {config, source, collection()}
let shown = null; // the roof's properties, with row

/** Make clicks, the list and the search of roofs work. */
export function startRoofs(given) {
  app = given;
  startParts(app);
  theMap().on("click", (event) => {
    if (!app.drawing()) clicked(event);
  });
  theMap().on("mousemove", (event) => {
    if (app.drawing()) return;
    theMap().getCanvas().style.cursor = inDetail() && roofsInView(event.point).length ? "pointer" : "";
  });
  byId("roof-list-go").addEventListener("click", list);
  byId("roof-form").addEventListener("submit", find);
  on(["roof"], ({ roof }) => choose(roof));
  on(["collection"], () => close());
}

/** The roof that is chosen: its properties with `row`, or null. */
export function chosenRoof() {
  return shown;
}

function clicked({ point, lngLat }) {
  const [feature] = roofsInView(point);
  if (!inDetail()) return say(t("roof_zoom"), true);
  if (!feature) return;
  unlist();
  open(feature.id, feature.properties, feature.geometry);
  uncover(lngLat);
}

/** Take away the list and what was said. */
function unlist() {
  say("");
  byId("roof-list").replaceChildren();
}

function say(text, toTab = false) {
  byId("roof-told").textContent = text;
  if (toTab && !shown) set({ tab: "roof" });
}

function close() {
  shown = null;
  set({ roof: null });
  byId("roof-card").replaceChildren();
  unlist();
  say(t("roof_pick"));
}

/** Show a roof: first what the tile knows, then all that the service does. */
export async function open(row, properties = null, geometry = null) {
  set({ roof: row, tab: "roof" });
  if (properties) write({ ...properties, row }, geometry);
  bringParts(row);
  if (!app.source.roof) return;
  try {
    const feature = await app.source.roof(app.collection().name, row);
    if (now().roof === row) write({ ...feature.properties, row }, feature.geometry);
    return feature;
  } catch (problem) {
    if (!properties) say(app.explain(problem));
  }
}

/** The roof that the link names, when the page starts. */
export async function openLinked(row) {
  const tab = now().tab;
  unlist();
  if (app.source.roof) await open(row);
  else {
    await new Promise((done) => theMap().once("idle", done));
    const feature = roofsInView().find((one) => one.id === row);
    if (feature) await open(row, feature.properties, feature.geometry);
  }
  set({ tab });
  choose(row);
}

async function find(event) {
  event.preventDefault();
  const id = byId("roof-id").value.trim();
  if (!id) return;
  let feature = roofsInView().find((one) => String(one.properties.id) === id) ?? null;
  try {
    if (!feature && app.source.roofById) feature = await app.source.roofById(app.collection().name, id);
  } catch (problem) {
    return say(app.explain(problem));
  }
  if (!feature) return say(t(app.source.roofById ? "roof_unknown" : "roof_unseen", { id }));
  const row = feature.id ?? feature.properties.row;
  if (feature.geometry) goTo(boundsOf(feature.geometry), { maxZoom: 18 });
  unlist();
  await open(Number(row), feature.properties, feature.geometry);
  byId("roof-title")?.focus();
}

/** The roofs in view as buttons, in the method's order. */
async function list() {
  if (hasMap() && !inDetail()) return say(t("roof_zoom"));
  const { rank = () => 0 } = methodOf(app.collection()).own;
  const seen = hasMap() ? roofsInView() : await withoutMap();
  const sorted = seen.sort((a, b) => rank(b.properties) - rank(a.properties));
  const listed = sorted.slice(0, MOST_LISTED);
  say(t(sorted.length > listed.length ? "roof_some" : "roof_all", { n: number(sorted.length), most: number(listed.length) }));
  byId("roof-card").replaceChildren();
  byId("roof-list").replaceChildren(...listed.map((feature) => make("li", {}, lineOf(feature))));
}

/** Where nothing is in view, some of all roofs. */
async function withoutMap() {
  if (!app.source.roofs) return [];
  try {
    const [features] = await app.source.roofs(app.collection().name, viewBox(), 10 * MOST_LISTED);
    return features;
  } catch {
    return [];
  }
}

function lineOf(feature) {
  const kind = kindOf(feature.properties);
  const { rank, rankOf } = methodOf(app.collection()).own;
  const most = rank?.(feature.properties);
  const label = most ? `${kind.label}, ${rankOf(most)}` : kind.label;
  const act = async () => {
    await open(feature.id, feature.properties, feature.geometry);
    goTo(boundsOf(feature.geometry), { maxZoom: Math.max(17, theMap().getZoom()) });
    byId("roof-title")?.focus();
  };
  return make(
    "button",
    { type: "button", class: "roof-line", "data-testid": "roof-line", "data-row": feature.id, onclick: act },
    swatch(kind.colour),
    make("span", {}, make("strong", {}, String(feature.properties.id || feature.id)), make("small", {}, label)),
  );
}

/** A roof's class with its colour and words. */
function kindOf(roof) {
  const wanted = roof.rejected || !roof.class ? "rejected" : roof.class;
  return classesOf(methodOf(app.collection())).find(({ name }) => name === wanted);
}

function write(roof, geometry) {
  const collection = app.collection();
  const method = methodOf(collection);
  shown = { ...roof, geometry };
  const kind = kindOf(roof);
  const flags = flagsOf(roof, method);
  const remark = method.own.remark?.(roof);
  const again = () => app.markRoof();
  byId("roof-card").replaceChildren(
    make("h2", { id: "roof-title", tabindex: "-1", "data-testid": "roof-title" }, `${t("building")} ${roof.id || roof.row}`),
    make("p", { class: "kind" }, swatch(kind.colour), make("strong", { "data-testid": "roof-class" }, kind.label)),
    ...because(roof, method, collection).map((text) => make("p", { "data-testid": "roof-reason" }, text)),
    numbers(roof, method, collection),
    ...(method.own.pictures?.(roof, collection) ?? []),
    ...partSections(collection, roof.row),
    ...(remark ? [make("p", { class: "hint" }, remark)] : []),
    ...(flags.length ? [make("h3", {}, t("flags")), make("ul", { "data-testid": "roof-flags" }, ...flags.map((flag) => make("li", {}, flag)))] : []),
    ...(app.marks ? [make("div", { class: "row" }, make("button", { type: "button", "data-testid": "roof-mark", onclick: again }, t("roof_mark")))] : []),
    sources(collection),
  );
}

/** The card of the open roof as it is printed: nothing to press, nothing folded, and without what
 * the page's sources say; null where none is open. */
export function printedRoof() {
  if (!shown) return null;
  const card = make("section", { class: "paper-roof" }, ...byId("roof-card").cloneNode(true).childNodes);
  for (const one of card.querySelectorAll("button, summary, .basis")) one.remove();
  for (const folded of card.querySelectorAll("details")) folded.replaceWith(...folded.childNodes);
  for (const name of ["id", "data-testid"]) {
    for (const one of card.querySelectorAll(`[${name}]`)) one.removeAttribute(name);
  }
  return card;
}

/** Write the open roof anew, in another language. */
export function rewrite() {
  unlist();
  if (shown) write(shown, shown.geometry);
  else say(t("roof_pick"));
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
      [t("height"), metres(heightOf(roof))],
      [t("roof_nap"), metres(decimetres(roof.roof_m))],
      [t("ground_nap"), metres(decimetres(roof.ground_m))],
      [t("roof_area"), metres(roof.area_m2 || null, "m²")],
      ...(method.own.card?.(roof, collection) ?? ownColumns(method, roof)),
      [t("built"), roof.built ? String(roof.built) : null],
      [t("status"), roof.status],
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

/** What to look at before use, in words. */
function flagsOf(roof, method) {
  const { mattersNot = () => false } = method.own;
  const names = Array.isArray(roof.flags) ? roof.flags : String(roof.flags ?? "").split(",");
  const flags = names.map((name) => name.trim()).filter((name) => name && !mattersNot(name, roof));
  return flags.map((name) => termOf(method, "flags", name));
}

/** Why the roof has its class, and what sets it aside. */
function because(roof, method, collection) {
  if (roof.rejected || !roof.class) {
    return [t("because_rejected", { why: roof.rejected ? termOf(method, "reasons", roof.rejected) : t("unknown") })];
  }
  const own = method.own.because?.(roof, collection) ?? [];
  return roof.excluded ? [...own, t(`excluded_${roof.excluded}`)] : own;
}
