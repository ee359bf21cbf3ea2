/** A small plan of a roof, north up: its outline, one of its parts, and the way that one falls. */

import { svg } from "./dom.js";
import { boundsOf } from "./shapes.js";

const [SIDE, MARGIN] = [44, 2];
const ARROW = "M0-11 5 6 0 2.5-5 6Z"; // to the north, around a middle
const [INK, ROOF, EDGE, PALE] = ["#1f2933", "#eef0f2", "#8a96a3", "#ffffff"];

/**
 * The plan as a picture; the text beside it says the same.
 * @param {Object|null} roof its outline as a geometry of GeoJSON, in degrees
 * @param {Object|null} part likewise
 * @param {number|null} falls clockwise from north [degrees], null where it is flat
 */
export function plan(roof, part, falls, colour) {
  const whole = roof ?? part;
  const place = whole ? placing(boundsOf(whole)) : null;
  const outline = roof && svg("path", { d: pathOf(roof, place), fill: ROOF, stroke: EDGE, "stroke-width": 0.8 });
  const own = part && svg("path", { d: pathOf(part, place), fill: colour ?? ROOF, stroke: INK, "stroke-width": 1 });
  const [x, y] = part ? middleOf(part).map((at, axis) => place[axis](at)) : [SIDE / 2, SIDE / 2];
  return svg("svg", { class: "plan", viewBox: `0 0 ${SIDE} ${SIDE}`, "aria-hidden": "true" },
    ...[outline, own].filter(Boolean), wayOf(falls, x, y));
}

/** An arrow the way that a part falls, a dot where it is flat. */
function wayOf(falls, x, y) {
  const line = { fill: PALE, stroke: INK, "stroke-width": 1.2 };
  const at = `translate(${x.toFixed(1)} ${y.toFixed(1)})`;
  if (!Number.isFinite(falls)) return svg("circle", { class: "falls", r: 4, transform: at, ...line });
  return svg("path", { class: "falls", d: ARROW, transform: `${at} rotate(${falls.toFixed(1)})`, ...line });
}

/** Two functions that give the place of a longitude and of a latitude on the picture. */
function placing([west, south, east, north]) {
  const shrunk = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const most = Math.max((east - west) * shrunk, north - south) || 1;
  const scale = (SIDE - 2 * MARGIN) / most;
  return [
    (lon) => SIDE / 2 + (lon - (west + east) / 2) * shrunk * scale,
    (lat) => SIDE / 2 - (lat - (south + north) / 2) * scale,
  ];
}

const ringsOf = ({ type, coordinates }) => (type === "Polygon" ? coordinates : coordinates.flat());

function pathOf(geometry, [x, y]) {
  const line = (ring) => ring.map(([lon, lat]) => `${x(lon).toFixed(1)} ${y(lat).toFixed(1)}`).join("L");
  return ringsOf(geometry).map((ring) => `M${line(ring)}Z`).join("");
}

/** The middle of the largest ring, by its area. */
function middleOf(geometry) {
  const [largest] = ringsOf(geometry).map(momentsOf).sort((one, other) => Math.abs(other.area) - Math.abs(one.area));
  return largest.area ? [largest.x / (3 * largest.area), largest.y / (3 * largest.area)].map((at, axis) => at + largest.from[axis]) : largest.from;
}

/** Twice the area of a ring and three times its moments, from its first point. */
function momentsOf(ring) {
  const [from] = ring;
  const sums = { area: 0, x: 0, y: 0, from };
  const points = ring.map((point) => point.map((at, axis) => at - from[axis]));
  points.slice(1).forEach(([x, y], before) => {
    const [x0, y0] = points[before];
    const cross = x0 * y - x * y0;
    sums.area += cross;
    sums.x += (x0 + x) * cross;
    sums.y += (y0 + y) * cross;
  });
  return sums;
}
