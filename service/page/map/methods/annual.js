/** What the page adds for roofs that annual judged: their planes with a compass, and its sentences. */

import { make, svg } from "../dom.js";
import { inWords } from "../methods.js";
import { shadeOf } from "../shades.js";
import { amount, known, number, percent, t } from "../texts.js";

export * as words from "./annual-words.js";

const INK = "#1f2933";
const ARROW = "M0-13 8 10 0 5-8 10Z"; // to the north, around a middle

const area = (value) => (Number.isFinite(value) ? `${number(value)} m²` : null);

export function card(roof) {
  return [
    [t("roof_true"), area(roof.roof_area_m2)],
    [t("roof_flat"), roof.roof_flat_m2 ? area(roof.roof_flat_m2) : null],
    [t("roof_known"), Number.isFinite(roof.roof_known) ? percent(roof.roof_known) : null],
    [t("panels_here"), roof.solar_suitable ? area(roof.panel_area_m2) : null],
    [t("kwp_here"), roof.solar_suitable ? peak(roof.kwp) : null],
  ];
}

const peak = (kwp) => `${amount(kwp)} kWp`;

/** A plane: a compass, the direction that it faces and its tilt, its areas and what they bear. */
export function partLine(plane, column, colour) {
  const way = inWords(shadeOf(column, plane)?.title ?? { en: "" });
  const values = { area: number(plane.area_m2), usable: number(plane.usable_m2), kwp: number(plane.kwp, 1) };
  return [
    compass(plane.azimuth_deg, colour),
    make("span", {},
      make("strong", {}, t("plane_way", { way, tilt: number(plane.tilt_deg) })),
      make("span", {}, t(plane.usable_m2 ? "plane_areas" : "plane_bare", values)),
      make("span", {}, t(plane.suitable ? "plane_suits" : "plane_suits_not"))),
  ];
}

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
  return ["about_what", "about_planes", "about_unsure"].map((name) => t(name));
}
