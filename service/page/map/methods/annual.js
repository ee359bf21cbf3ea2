/** What the page adds for roofs that annual judged: their year with its months, their planes with a
 * compass, and its sentences. A yield never stands without its interval. */

import { bars } from "../bars.js";
import { make, svg } from "../dom.js";
import { inWords, methodNamed, sumsOf } from "../methods.js";
import { shadeOf } from "../shades.js";
import { about as rounded, amount, known, month, number, percent, t } from "../texts.js";
import { MONTHS, apart, interval, shadeInterval, shadeOf as shareOfShade, windInterval } from "./annual-interval.js";

export * as words from "./annual-words.js";

const INK = "#1f2933";
const ARROW = "M0-13 8 10 0 5-8 10Z"; // to the north, around a middle

const area = (value) => (Number.isFinite(value) ? `${number(value)} m²` : null);

/** A yield in words: its interval, then what is likely. */
const between = ({ low, value, high }, key = "yield_year") => t(key, { low: amount(low), high: amount(high), kwh: amount(value) });
const ends = (row, name) => ({ low: row[`${name}low_kwh`], value: row[name ? `${name}kwh` : "kwh"], high: row[`${name}high_kwh`] });
const shadeOn = (roof) => shareOfShade(roof.solar_kwh, roof.unshaded_kwh);

export function card(roof, collection) {
  return [
    [t("roof_true"), area(roof.roof_area_m2)],
    [t("roof_flat"), roof.roof_flat_m2 ? area(roof.roof_flat_m2) : null],
    [t("roof_known"), Number.isFinite(roof.roof_known) ? percent(roof.roof_known) : null],
    [t("panels_here"), roof.solar_suitable ? area(roof.panel_area_m2) : null],
    [t("kwp_here"), roof.solar_suitable ? peak(roof.kwp) : null],
    [t("yield_here"), roof.solar_suitable ? between(ends(roof, "solar_")) : null],
    [t("shade_here"), roof.solar_suitable ? percent(shadeOn(roof)) : null],
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

/** The months of the panels on suitable planes. */
export function pictures(roof) {
  const months = roof.solar_suitable ? monthsOf(roof) : [];
  const shade = apart(shadeOn(roof));
  const items = months.map((kwh, at) => ({ label: month(at), short: month(at, "narrow"), ...interval(kwh, kwh * shade, MONTHS[at]) }));
  return items.length ? [bars(t("months_title"), "kWh", items, { "data-testid": "months" })] : [];
}

/** Of the service a number a month, of a tile a text; none of a roof that is not judged. */
function monthsOf(roof) {
  if (roof.solar_month_kwh) return roof.solar_month_kwh.split(",").map(Number);
  return MONTHS.map((_, at) => roof[`solar_month_kwh_${at + 1}`]).filter(Number.isFinite);
}

const peak = (kwp) => `${amount(kwp)} kWp`;

/** A plane: a compass, the direction that it faces and its tilt, its areas, what they bear and give. */
export function partLine(plane, column, colour) {
  const way = inWords(shadeOf(column, plane)?.title ?? { en: "" });
  const values = { area: number(plane.area_m2), usable: number(plane.usable_m2), kwp: number(plane.kwp, 1) };
  return [
    compass(plane.azimuth_deg, colour),
    make("span", {},
      make("strong", {}, t("plane_way", { way, tilt: number(plane.tilt_deg) })),
      make("span", {}, t(plane.usable_m2 ? "plane_areas" : "plane_bare", values)),
      ...(plane.usable_m2 ? [make("span", {}, between(ends(plane, "")))] : []),
      ...(Number.isFinite(plane.irradiation_kwh_m2) ? [make("span", {}, light(plane))] : []),
      make("span", {}, t(plane.very_suitable ? "plane_suits_very" : plane.suitable ? "plane_suits" : "plane_suits_not"))),
  ];
}

const light = ({ irradiation_kwh_m2: sun, unshaded_kwh_m2: most }) => t("plane_light", { sun: number(sun), shade: percent(shareOfShade(sun, most)) });

/** A rose with an arrow the way that a plane faces, or a disc for one that is flat; the text says
 * the same. */
function compass(azimuth, colour) {
  const fill = colour ?? "none";
  const line = { stroke: INK, "stroke-width": 1 };
  const faces = Number.isFinite(azimuth)
    ? svg("path", { d: ARROW, fill, ...line, transform: `rotate(${azimuth.toFixed(1)})` })
    : svg("circle", { r: 9, fill, ...line });
  const north = svg("text", { y: -20, "text-anchor": "middle", "font-size": 9, fill: INK });
  north.append("N");
  return svg("svg", { class: "compass", viewBox: "-20 -28 40 48", "aria-hidden": "true" },
    svg("circle", { r: 18, fill: "#fff", stroke: "#8a96a3", "stroke-width": 1 }),
    svg("path", { d: "M0-18v4M18 0h-4M0 18v-4M-18 0h4", stroke: "#8a96a3", "stroke-width": 1.5 }), north, faces);
}

/** Why the roof has its class, where the page knows the scheme by which planes are suitable. */
export function because(roof, { method }) {
  const key = `because_${roof.solar_suitable ? "sun" : "no_sun"}_${method?.parameters?.scheme}`;
  return known(key) ? [t(key)] : [];
}

export function rank(roof) {
  return roof.solar_suitable ? roof.kwp ?? 0 : 0;
}

export { peak as rankOf };

export function about() {
  return ["about_what", "about_planes", "about_year", "about_interval", "about_wind", "about_wind_unsure", "about_unsure"].map((name) => t(name));
}

function summed(kwh, name) {
  const yielded = { low: kwh[`${name}_low`], value: kwh[name], high: kwh[`${name}_high`] };
  return make("span", { class: "wraps" }, between(yielded, "yield_sum"));
}

/** The year of the panels with what shade takes, that of the turbines, then the other sums. */
export function totals({ counts, kwh, households: served, ...others }) {
  const method = methodNamed("annual");
  const rest = { ...method, totals: method.totals.filter(({ section }) => section !== "kwh") };
  const { head, rows } = sumsOf(rest, { counts, ...others });
  const { share, number: living } = served;
  return {
    lead: t("totals_lead", { suitable: number(counts.solar_suitable), turbines: number(counts.wind_suitable), judged: number(counts.judged) }),
    head,
    rows: [
      [t("yield_all"), summed(kwh, "solar")],
      [t("shade_all"), summed(kwh, "shade")],
      [t("households"), amount(served.solar)],
      [t("wind_all"), summed(kwh, "wind")],
      [t("wind_brochure_all"), rounded(kwh.wind_brochure)],
      [t("households_wind"), amount(served.wind)],
      ...rows,
    ],
    share: share === undefined ? null : t("totals_share", { share: percent(share), n: number(living) }),
    hint: t("totals_hint"),
  };
}

/** The sections that the report has beside its sums, of which a site shows these. */
export function derived({ kwh, errors }, { household_kwh: use }, households) {
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
