/** One roof: what the computation says of it, why, and how to find it without a mouse. */

import { byId, english, make, terms } from "./dom.js";
import { now, on, set } from "./state.js";
import { boundsOf } from "./shapes.js";
import { choose, goTo, hasMap, inDetail, roofsInView, theMap, uncover, viewBox } from "./mapview.js";
import { classesOf, swatch } from "./legend.js";
import { day, known, listed, number, percent, t } from "./texts.js";

const MOST_LISTED = 100;
let app = null; // {config, source, collection(), method()}
let shown = null; // the roof's properties, with row

/** Make clicks, the list and the search of roofs work. */
export function startRoofs(given) {
  app = given;
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
  if (properties) await write({ ...properties, row }, geometry);
  if (!app.source.roof) return;
  try {
    const feature = await app.source.roof(app.collection().name, row);
    if (now().roof === row) await write({ ...feature.properties, row }, feature.geometry);
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

/** The roofs in view as buttons, those that yield most first. */
async function list() {
  if (hasMap() && !inDetail()) return say(t("roof_zoom"));
  const kwh = ({ properties: p }) => (p.solar_kwh ?? 0) + (p.wind_kwh ?? 0);
  const seen = hasMap() ? roofsInView() : await withoutMap();
  const found = seen.sort((a, b) => kwh(b) - kwh(a));
  const some = found.slice(0, MOST_LISTED);
  say(t(found.length > some.length ? "roof_some" : "roof_all", { n: number(found.length), most: number(some.length) }));
  byId("roof-card").replaceChildren();
  byId("roof-list").replaceChildren(...some.map((feature) => make("li", {}, lineOf(feature, kwh(feature)))));
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

function lineOf(feature, kwh) {
  const kind = kindOf(feature.properties);
  const label = kwh ? `${kind.label}, ${number(kwh)} ${t("kwh_year")}` : kind.label;
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
  return classesOf(app.config).find(({ name }) => name === wanted);
}

async function write(roof, geometry) {
  const method = await app.method();
  if (now().roof !== roof.row) return;
  shown = { ...roof, geometry };
  const kind = kindOf(roof);
  const flags = flagsOf(roof);
  const again = () => app.markRoof();
  byId("roof-card").replaceChildren(
    make("h2", { id: "roof-title", tabindex: "-1", "data-testid": "roof-title" }, `${t("building")} ${roof.id || roof.row}`),
    make("p", { class: "kind" }, swatch(kind.colour), make("strong", { "data-testid": "roof-class" }, kind.label)),
    ...because(roof, method, app.collection()).map((text) => make("p", { "data-testid": "roof-reason" }, text)),
    numbers(roof),
    ...(roof.wind_suitable ? [make("p", { class: "hint" }, t("trials"))] : []),
    ...(flags.length ? [make("h3", {}, t("flags")), make("ul", { "data-testid": "roof-flags" }, ...flags.map((flag) => make("li", {}, flag)))] : []),
    ...(app.marks ? [make("div", { class: "row" }, make("button", { type: "button", "data-testid": "roof-mark", onclick: again }, t("roof_mark")))] : []),
    ...sources(method),
  );
}

/** Write the open roof anew, in another language. */
export function rewrite() {
  unlist();
  if (shown) write(shown, shown.geometry);
  else say(t("roof_pick"));
}

const decimetres = (value) => (Number.isFinite(value) ? Math.round(10 * value) / 10 : null);

/** A roof's height as it is shown: what lies between the roof and the ground that are shown. */
function heightOf({ roof_m: roof, ground_m: ground, height_m: height }) {
  return decimetres(Number.isFinite(roof) && Number.isFinite(ground) ? decimetres(roof) - decimetres(ground) : height);
}

function numbers(roof) {
  const metres = (value, unit = "m") => (value === null || value === undefined ? null : `${number(value, unit === "m" ? 1 : 0)} ${unit}`);
  return terms(
    [
      [t("height"), metres(heightOf(roof))],
      [t("roof_nap"), metres(decimetres(roof.roof_m))],
      [t("ground_nap"), metres(decimetres(roof.ground_m))],
      [t("roof_area"), metres(roof.area_m2 || null, "m²")],
      [t("lit_here"), Number.isFinite(roof.lit_share) ? `${metres(roof.lit_area_m2, "m²")} (${percent(roof.lit_share)})` : null],
      [t("panels_here"), roof.solar_suitable ? metres(roof.panel_area_m2, "m²") : null],
      [t("solar_kwh"), roof.solar_suitable ? `${number(roof.solar_kwh)} ${t("kwh_year")}` : null],
      [t("wind_kwh"), roof.wind_suitable ? `${number(roof.wind_kwh)} ${t("kwh_year")}` : null],
      [t("built"), roof.built ? String(roof.built) : null],
      [t("status"), roof.status],
    ],
    { class: "terms", "data-testid": "roof-numbers" },
  );
}

function sources(method) {
  const one = app.collection();
  const told = [
    [t("method"), method?.name ?? null],
    [t("sun_of"), one.date ? day(one.date) : null],
    [t("heights"), english(one.heights)],
    [t("computed"), one.computed ? day(one.computed) : null],
    [t("source"), english(one.attribution)],
  ];
  return [
    make("h3", {}, t("basis")),
    terms(told, { class: "terms", "data-testid": "roof-sources" }),
    make("p", { class: "hint", "data-testid": "roof-not-judged" }, t("not_judged_here")),
  ];
}

/** What to look at before use, in words; one that was not judged was not so by one cell. */
function flagsOf(roof) {
  const names = Array.isArray(roof.flags) ? roof.flags : String(roof.flags ?? "").split(",");
  const told = names.map((name) => name.trim()).filter((name) => name && !(roof.rejected && name === "one_cell"));
  return told.map((name) => (known(`flag_${name}`) ? t(`flag_${name}`) : name));
}

/** Whether the roof's centre was lit at each sun. */
function litOf(roof, suns) {
  if (Array.isArray(roof.lit)) return roof.lit.map(Boolean);
  if (roof.lit !== null && roof.lit !== undefined && roof.lit !== "") {
    return [...String(roof.lit).padStart(suns.length, "0")].map((digit) => digit === "1");
  }
  return suns.map((_, index) => roof[`lit_${index + 1}`]).filter((value) => value !== undefined && value !== null);
}

/** Why the roof has its class: a sentence on sun, one on wind, one on what sets it aside. */
function because(roof, method, collection) {
  if (roof.rejected || !roof.class) {
    const why = known(`rejected_${roof.rejected}`) ? t(`rejected_${roof.rejected}`) : roof.rejected ?? t("unknown");
    return [t("because_rejected", { why })];
  }
  const out = [sunSentence(roof, collection), windSentence(roof, method?.parameters ?? {})];
  if (roof.class === "wind_or_solar") out.reverse();
  if (roof.excluded) out.push(t(`excluded_${roof.excluded}`));
  return out;
}

function sunSentence(roof, { suns = [], date }) {
  const lit = litOf(roof, suns);
  const dark = suns.filter((_, index) => lit[index] === false);
  const on = date ? day(date) : t("shortest_day");
  if (roof.solar_suitable) return t("because_sun", { times: listed(suns), date: on });
  if (dark.length) return t("because_shade", { times: listed(dark), date: on });
  return t("because_no_sun");
}

function windSentence(roof, { wind_min_height_m: least, wind_radius_m: radius }) {
  // 19.96 m is less than 20 m, which 20.0 m would not be.
  const close = !roof.wind_candidate && heightOf(roof) >= least;
  const height = close ? number(roof.height_m, 2) : number(heightOf(roof), 1);
  const values = { height, least: number(least), radius: number(radius) };
  const told = least === undefined ? "_plain" : "";
  if (roof.wind_suitable) return t(`because_wind${told}`, values);
  if (roof.wind_candidate) return t(`because_sheltered${told}`, values);
  return t(`because_low${told}`, values);
}

