/** What the page adds for roofs that powermapping judged: its sentences, its sums, the time slider. */

import { byId, make, show, terms } from "../dom.js";
import { heightOf } from "../card.js";
import { UNSELECTED } from "../shades.js";
import { now, set } from "../state.js";
import { about as rounded, amount, day, listed, number, percent, t } from "../texts.js";

export * as words from "./powermapping-words.js";

const yearly = (kwh) => `${number(kwh)} ${t("kwh_year")}`;

export function card(roof) {
  const lit = Number.isFinite(roof.lit_share) ? `${number(roof.lit_area_m2)} m² (${percent(roof.lit_share)})` : null;
  return [
    [t("lit_here"), lit],
    [t("panels_here"), roof.solar_suitable ? `${number(roof.panel_area_m2)} m²` : null],
    [t("solar_kwh"), roof.solar_suitable ? yearly(roof.solar_kwh) : null],
    [t("wind_kwh"), roof.wind_suitable ? yearly(roof.wind_kwh) : null],
  ];
}

export function because(roof, collection) {
  const out = [sunSentence(roof, collection), windSentence(roof, collection.method?.parameters ?? {})];
  return roof.class === "wind_or_solar" ? out.reverse() : out;
}

/** Whether the roof's centre was lit at each sun. */
function litOf(roof, suns) {
  if (Array.isArray(roof.lit)) return roof.lit.map(Boolean);
  if (roof.lit !== null && roof.lit !== undefined && roof.lit !== "") {
    return [...String(roof.lit).padStart(suns.length, "0")].map((digit) => digit === "1");
  }
  return suns.map((_, index) => roof[`lit_${index + 1}`]).filter((value) => value !== undefined && value !== null);
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
  const plain = least === undefined ? "_plain" : "";
  if (roof.wind_suitable) return t(`because_wind${plain}`, values);
  if (roof.wind_candidate) return t(`because_sheltered${plain}`, values);
  return t(`because_low${plain}`, values);
}

/** A roof that was not judged was not so by one cell. */
export function mattersNot(flag, roof) {
  return flag === "one_cell" && Boolean(roof.rejected);
}

export function remarks(roof, collection) {
  return [...assumed(roof, collection), ...(roof.wind_suitable ? [t("trials")] : [])];
}

/** By which share of the roof and which yield of a panel its sun is counted. */
function assumed({ solar_suitable: counted }, { method }) {
  const { panel_share: share, solar_kwh_m2: kwh } = method?.parameters ?? {};
  return counted && share && kwh ? [t("panels_assumed", { share: percent(share), kwh: number(kwh, Number.isInteger(kwh) ? 0 : 1) })] : [];
}

/** The whole of this card within that of a method that knows more of the roof. */
export function test(roof, collection) {
  const verdict = t(roof.rejected || !roof.class ? "class_rejected" : `verdict_${roof.class}`);
  const said = roof.class ? [...because(roof, collection), ...remarks(roof, collection)] : [];
  return {
    title: t("test_title", { verdict }),
    content: [
      make("p", {}, t("test_what")),
      ...said.map((text) => make("p", {}, text)),
      terms(card(roof), { class: "terms" }),
    ],
  };
}

export function rank(roof) {
  return (roof.solar_kwh ?? 0) + (roof.wind_kwh ?? 0);
}

export { yearly as rankOf };

export function sources({ date, suns }, whole) {
  const times = whole ? `, ${(suns ?? []).join(", ")} ${t("cet")}` : "";
  return [[t("sun_of"), date ? `${day(date)}${times}` : null]];
}

export function about(collection) {
  const texts = [t("about_what"), sunRule(collection), t("about_wind"), t("about_unsure"), sharesRule(collection)];
  return texts.filter(Boolean);
}

/** When a roof lies in the sun, and in the shadow of what it does not. */
function sunRule({ suns, date, method }) {
  if (!suns?.length) return t("about_sun_plain");
  const values = { times: listed(suns), date: date ? day(date, false) : t("shortest_day") };
  return t(method?.parameters?.surface === "extruded" ? "about_sun" : "about_sun_all", values);
}

/** What area and household mean in the totals, where the collection says so. */
function sharesRule({ method }) {
  const { panel_share: share, household_kwh: kwh } = method?.parameters ?? {};
  return share && kwh ? t("about_shares", { share: percent(share), kwh: number(kwh) }) : null;
}

export function totals({ counts, area_ha: area, kwh, households: served }) {
  const homes = (value) => (value === undefined ? "–" : amount(value));
  const { share, number: living } = served;
  return {
    lead: t("totals_lead", { suitable: number(counts.legend.solar + counts.legend.wind_or_solar), judged: number(counts.judged) }),
    head: ["roofs", "panels", "kwh_about", "households"].map((name) => t(name)),
    rows: [
      [t("totals_solar"), number(counts.solar_suitable), `${number(area.panel, 2)} ha`, rounded(kwh.solar), homes(served.solar)],
      [t("totals_wind"), number(counts.wind_suitable), "", rounded(kwh.wind), homes(served.wind)],
      [t("totals_both"), "", "", rounded(kwh.total), homes(served.total)],
    ],
    share: share === undefined ? null : t("totals_share", { share: percent(share), n: number(living) }),
    hint: t("totals_hint"),
  };
}

/** Sun and wind together, and the households that use as much; as the report has them. */
export function derived({ kwh }, { household_kwh: use }, households) {
  const all = { ...kwh, total: kwh.solar + kwh.wind };
  const served = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, value / use]));
  if (households) Object.assign(served, { number: households, share: served.total / households });
  return { kwh: all, households: served };
}

/** How many roofs of a class rest on one cell, or nothing. */
export function small({ one_cell: few }, name) {
  return few?.[name] ? ` (${t("on_one_cell", { n: number(few[name]) })})` : null;
}

export const measures = [
  ["panels_ha", (x) => x.area_ha.panel, (value) => number(value, 2)],
  ["sum_solar_kwh", (x) => x.kwh.solar, rounded],
  ["sum_wind_kwh", (x) => x.kwh.wind, rounded],
  ["total_kwh", (x) => x.kwh.total, rounded],
  ["households", (x) => x.households.total, amount],
  ["households_given", (x) => x.households.number, number],
  ["share", (x) => x.households.share, percent],
];

const timeOf = ({ suns = [] }) => suns[now().sun - 1] ?? null;

function timeLabel(collection) {
  const time = timeOf(collection);
  return time ? `${time} ${t("cet")}` : t("all_times", { n: number(collection.suns?.length ?? 0) });
}

const shadowKey = (collection) => t(timeOf(collection) ? "shadow_key" : "shadow_key_all", { time: timeLabel(collection) });

/** The shadows are shown of one time, or of all together. */
export const moments = {
  shadow: { chosen: timeOf, label: (collection) => t("paper_shadow", { time: timeLabel(collection) }), key: shadowKey },
};

const LIT = "#ffd54a";
const SHADED = "#3d4a6b";

/** At a time that is chosen roofs are coloured by whether their centre is lit then. */
export function colouring(collection) {
  const time = timeOf(collection);
  if (!time) return null;
  const at = now().sun - 1;
  const digit = ["slice", ["to-string", ["get", "lit"]], at, at + 1]; // of the tiles' text, such as 101
  return {
    title: t("lit_title", { time: timeLabel(collection) }),
    expression: ["match", digit, "1", LIT, "0", SHADED, UNSELECTED],
    colourOf: ({ lit = "" }) => ({ 1: LIT, 0: SHADED })[String(lit)[at]] ?? UNSELECTED,
    entries: [{ colour: LIT, label: t("lit_yes") }, { colour: SHADED, label: t("lit_no") }],
  };
}

/** The time is chosen with a slider. */
export const choice = {
  make: () =>
    make("div", { class: "sun", id: "sun-field" },
      make("label", { for: "sun" }, t("sun_time")),
      make("output", { id: "sun-told", for: "sun", "data-testid": "sun-told" }),
      make("input", { type: "range", id: "sun", "data-testid": "sun", min: 0, step: 1, value: 0, oninput: ({ target }) => set({ sun: Number(target.value) }) })),
  write(collection) {
    const suns = collection.suns ?? [];
    show(byId("sun-field"), suns.length > 0);
    const slider = byId("sun");
    slider.max = String(suns.length);
    slider.value = String(Math.min(now().sun, suns.length));
    byId("sun-told").textContent = timeLabel(collection);
    slider.setAttribute("aria-valuetext", timeLabel(collection));
  },
};
