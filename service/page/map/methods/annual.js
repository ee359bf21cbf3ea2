/** What the page adds for roofs that annual judged: the headline of their year, its months, their planes
 * and their wind, and its sentences. A yield never stands without its interval. */

import { bars } from "../bars.js";
import { make } from "../dom.js";
import { inWords, listOf, methodNamed, sumsOf } from "../methods.js";
import { shadeOf } from "../shades.js";
import { about as rounded, amount, known, month, number, percent, t } from "../texts.js";
import { MONTHS, apart, interval, shadeInterval, shadeOf as shareOfShade, windInterval } from "./annual-interval.js";
import { windSection } from "./annual-wind.js";

export * as words from "./annual-words.js";

const LITTLE = 0.01; // of the yield: shade that is not worth a number
const area = (value) => (Number.isFinite(value) ? `${number(value)} m²` : null);

/** A yield in words: its interval, then what is likely. */
const between = ({ low, value, high }, key = "yield_year") => t(key, { low: amount(low), high: amount(high), kwh: amount(value) });
const ends = (row, name) => ({ low: row[`${name}low_kwh`], value: row[name ? `${name}kwh` : "kwh"], high: row[`${name}high_kwh`] });
const shadeOn = (roof) => shareOfShade(roof.solar_kwh, roof.unshaded_kwh);

/** What a year gives, and on which planes; planes: those that came. */
export function headline(roof, collection, planes) {
  if (!roof.solar_suitable) {
    return { lead: t("headline_none"), line: t(planes.some(({ usable_m2: usable }) => usable) ? "headline_less" : "headline_bare") };
  }
  const year = ends(roof, "solar_");
  const values = { low: amount(year.low), high: amount(year.high), kwh: amount(year.value) };
  return { lead: t("headline_year", values), likely: t("headline_likely", values), line: lineOf(roof, collection, planes) };
}

/** How many panels on which planes, and what shade takes. */
function lineOf(roof, { method }, planes) {
  const share = shadeOn(roof);
  const shade = t(share < LITTLE ? "shade_little" : "shade_takes", { shade: `${number(100 * share)} %` });
  const side = method?.parameters?.panel_m2;
  const filled = planes.filter(({ suitable }) => suitable)
    .map((plane) => ({ plane, panels: Math.floor(plane.usable_m2 / side) }))
    .filter(({ panels }) => panels > 0).sort((one, other) => other.panels - one.panels);
  if (!filled.length) return shade;
  const count = filled.reduce((sum, { panels }) => sum + panels, 0);
  const panels = t(count === 1 ? "panel" : "panels", { n: number(count) });
  const [{ plane }] = filled;
  return `${t(lineKey(filled), { panels, planes: number(filled.length), way: wayOf(plane) })}; ${shade}`;
}

/** The sentence on some planes, those with most panels first. */
function lineKey(filled) {
  if (filled.length > 1 && filled.every(({ plane }) => isFlat(plane))) return "line_flats";
  return `line_${filled.length > 1 ? "more" : "one"}${isFlat(filled[0].plane) ? "_flat" : ""}`;
}

const isFlat = ({ azimuth_deg: way }) => !Number.isFinite(way);

/** The direction that a plane faces, in words. */
function wayOf(plane) {
  const [column] = methodNamed("annual").parts;
  return inWords(shadeOf(column, plane)?.title ?? { en: "" });
}

export function card(roof, collection) {
  return [
    [t("roof_true"), area(roof.roof_area_m2)],
    [t("roof_flat"), roof.roof_flat_m2 ? area(roof.roof_flat_m2) : null],
    [t("roof_known"), Number.isFinite(roof.roof_known) ? percent(roof.roof_known) : null],
    [t("panels_here"), roof.solar_suitable ? area(roof.panel_area_m2) : null],
    [t("kwp_here"), roof.solar_suitable ? peak(roof.kwp) : null],
    ...["eastwest", "south"].map((layout) => [t(`flat_${layout}`), flatYield(roof, layout, collection)]),
  ];
}

/** What rows on the flat planes would yield; their shade is taken to be that of the whole roof. */
function flatYield(roof, layout, { method }) {
  const kwh = roof[`solar_flat_${layout}_kwh`];
  if (!kwh) return null;
  const key = method?.parameters?.flat_layout === layout ? "yield_counted" : "yield_year";
  return between(interval(kwh, kwh * apart(shadeOn(roof))), key);
}

/** The months of the panels on suitable planes, and a turbine on the roof. */
export function pictures(roof, collection) {
  return [...monthsOf(roof), ...windSection(roof, collection)];
}

function monthsOf(roof) {
  if (!roof.solar_suitable) return [];
  const [months, unshaded] = ["solar_month_kwh", "unshaded_month_kwh"].map((name) => listOf(roof, name));
  const shade = apart(shadeOn(roof));
  const items = months.map((kwh, at) => ({
    label: month(at), short: month(at, "narrow"), ...interval(kwh, kwh * shade, MONTHS[at]), most: Math.max(unshaded[at], kwh),
  }));
  const words = { hint: t("months_hint"), most: t("without_shade") };
  return items.length ? [bars(t("months_title"), "kWh", items, words, { "data-testid": "months" })] : [];
}

const peak = (kwp) => `${amount(kwp)} kWp`;

/** Those that suit before the others, then by what they give. */
export function partOrder(one, other) {
  return Number(other.suitable) - Number(one.suitable) || other.kwh - one.kwh;
}

/** A plane in short: the direction that it faces and its tilt, its area, what it gives. */
export function chip(plane) {
  const title = t(isFlat(plane) ? "plane_flat" : "plane_way", { way: wayOf(plane), tilt: number(plane.tilt_deg) });
  const { low, high } = ends(plane, "");
  const key = plane.usable_m2 ? "plane_short" : "plane_bare";
  return { title, figures: t(key, { area: number(plane.area_m2), low: amount(low), high: amount(high) }), falls: isFlat(plane) ? null : plane.azimuth_deg };
}

/** What a plane bears and gives, its light, and whether it suits. */
export function partLines(plane) {
  const values = { usable: number(plane.usable_m2), kwp: number(plane.kwp, 1) };
  return [
    ...(plane.usable_m2 ? [t("plane_room", values), between(ends(plane, ""))] : []),
    ...(Number.isFinite(plane.irradiation_kwh_m2) ? [light(plane)] : []),
    t(plane.very_suitable ? "plane_suits_very" : plane.suitable ? "plane_suits" : "plane_suits_not"),
  ].map((text) => make("p", {}, text));
}

const light = ({ irradiation_kwh_m2: sun, unshaded_kwh_m2: most }) => t("plane_light", { sun: number(sun), shade: percent(shareOfShade(sun, most)) });

/** Why the roof has its class, where the page knows the scheme by which planes are suitable. */
export function because(roof, { method }) {
  const key = `because_${roof.solar_suitable ? "sun" : "no_sun"}_${method?.parameters?.scheme}`;
  return known(key) ? [t(key)] : [];
}

export function rank(roof) {
  return roof.solar_suitable ? roof.kwp ?? 0 : 0;
}

export { peak as rankOf };

export function about({ method }) {
  const { wind_min_height_m: least, mast_m: mast, fetch_m: around, wind_min_kwh: enough } = method?.parameters ?? {};
  const values = { least: number(least), mast: number(mast, mast % 1 ? 1 : 0), fetch: number(around), enough: number(enough) };
  const wind = least === undefined ? [] : ["about_wind", "about_wind_unsure"];
  return ["about_what", "about_planes", "about_year", "about_interval", ...wind, "about_unsure"].map((name) => t(name, values));
}

/** A sum with its interval; of nothing there is none. */
function summed(kwh, name) {
  if (!kwh[name]) return amount(0);
  return between({ low: kwh[`${name}_low`], value: kwh[name], high: kwh[`${name}_high`] }, "yield_sum");
}

const wrapped = (text) => make("span", { class: "wraps" }, text);

/** What the roofs of an area give in a year of sun and of wind. */
export function yields({ kwh }) {
  const sums = [["yield_all", "solar"], ["wind_all", "wind"]].map(([key, name]) => `${t(key)}: ${summed(kwh, name)}`);
  return [...sums, t("cases")];
}

/** The year of the panels with what shade takes, that of the turbines, then the other sums. */
export function totals({ counts, kwh, households: served, ...others }, parameters) {
  const method = methodNamed("annual");
  const rest = { ...method, totals: method.totals.filter(({ section }) => section !== "kwh") };
  const { head, rows } = sumsOf(rest, { counts, ...others });
  const { share, number: living } = served;
  return {
    lead: t("totals_lead", { suitable: number(counts.solar_suitable), turbines: number(counts.wind_suitable), judged: number(counts.judged) }),
    head,
    rows: [
      [t("yield_all"), wrapped(summed(kwh, "solar"))],
      [t("shade_all"), wrapped(summed(kwh, "shade"))],
      [t("households"), amount(served.solar)],
      [t("wind_all"), wrapped(summed(kwh, "wind"))],
      [t("wind_brochure_all"), rounded(kwh.wind_brochure)],
      [t("households_wind"), amount(served.wind)],
      ...rows,
    ],
    share: share === undefined ? null : t("totals_share", { share: percent(share), n: number(living) }),
    hint: [householdUse(parameters), t("totals_hint")].filter(Boolean).join(" "),
    pictures: monthsOfAll(others.month_kwh),
  };
}

const USE_OF_YEAR = { 2550: 2024 }; // of an average household by CBS: kWh from the grid, and when

/** How much a household is taken to use, and of which year that is where it is known. */
function householdUse({ household_kwh: kwh } = {}) {
  if (!kwh) return null;
  const year = USE_OF_YEAR[kwh];
  return t(year ? "household_use_of" : "household_use", { kwh: number(kwh), year });
}

/** The months of all panels, each with its interval. */
function monthsOfAll(sums) {
  const names = Object.keys(sums).filter((name) => `${name}_low` in sums);
  const items = names.map((name, at) => ({ label: month(at), short: month(at, "narrow"), low: sums[`${name}_low`], value: sums[name], high: sums[`${name}_high`] }));
  return [bars(t("months_title"), "kWh", items, { hint: t("months_all_hint") }, { "data-testid": "totals-months" })];
}

/** The sections that the report has beside its sums, of which a site shows these. */
export function derived({ kwh, month_kwh: months, errors }, { household_kwh: use }, households) {
  const shade = kwh.unshaded - kwh.solar;
  const served = { solar: kwh.solar / use, wind: kwh.wind / use };
  if (households) Object.assign(served, { number: households, share: served.solar / households });
  return {
    kwh: {
      ...kwh,
      ...named("solar", interval(kwh.solar, errors.kwh.solar)),
      ...named("shade", shadeInterval(shade)),
      ...named("wind", windInterval(kwh.wind, errors.kwh.wind)),
    },
    month_kwh: Object.assign({}, ...Object.entries(months).map(([name, value], at) =>
      named(name, interval(value, errors.month_kwh[name], MONTHS[at])))),
    households: served,
  };
}

const named = (name, { low, value, high }) => ({ [name]: value, [`${name}_low`]: low, [`${name}_high`]: high });

const ofKwh = ["solar", "shade", "wind"].flatMap((name) => [`${name}_low`, `${name}_high`, name]);

export const measures = [
  ["panels_ha", (x) => x.area_ha.panel, (value) => number(value, 2)],
  ["panels_kwp", (x) => x.kwp.panel, rounded],
  ...ofKwh.map((name) => [`${name}_kwh`, (x) => x.kwh[name], rounded]),
  ["households", (x) => x.households?.solar, amount],
  ["households_wind", (x) => x.households?.wind, amount],
  ["share", (x) => x.households?.share, percent],
];

/** Where the planes lie in space. */
export const solid = { planes: { tilt: "tilt_deg", azimuth: "azimuth_deg", height: "z_m", x: "centre_x", y: "centre_y", room: "usable_m2" } };
