/** How roofs and their parts, such as planes, are coloured: by whether they suit, by the scale that
 * the reader chose, or parts by the first of their column's shades that holds, paler by another
 * field where that has a tint. For one of them, in the card and in
 * 3D; fills.js has the same for the map. */

import { classesOf, methodNamed } from "./methods.js";
import { now } from "./state.js";
import { between } from "./symbols.js";

/** The colour of roofs outside the circle that was asked for. */
export const UNSELECTED = "#bdbab3";
/** The colour of roofs below their parts: of what is in none. */
export const BARE = "#ffffff";
const WHITE = "#ffffff";
const PALER = 0.5; // of the way to white, where the interval is wide

/** The shade of a part: {name, title, colour, ...}, or null. */
export function shadeOf({ shades }, part) {
  return shades.find((shade) => holds(shade, part[shade.field] ?? null)) ?? null;
}

function holds({ value: wanted, low, high }, value) {
  if (wanted !== null) return value === wanted;
  if (value === null) return false;
  const [above, below] = [low === null || value >= low, high === null || value < high];
  return wraps({ low, high }) ? above || below : above && below;
}

/** Whether a range runs through north, from a high azimuth to a low one. */
export const wraps = ({ low, high }) => low !== null && high !== null && low > high;

/** The scale that the reader chose among those of a column, or null. */
export function scaleOf({ scales }) {
  return scales.find(({ name }) => name === now().colour) ?? null;
}

/** The scale that the reader chose among those of a method, or undefined. */
export function chosenScale({ parts }) {
  return parts.map(scaleOf).find(Boolean);
}

/** The parts by whose verdict the roofs of a method are coloured, or undefined. */
export function verdictOf({ parts }) {
  return parts.find(({ verdict }) => verdict);
}

/** Whether parts have the colours of their shades: by choice, or for want of a verdict. */
export function inShades(column) {
  return !scaleOf(column) && (!column.verdict || now().colour === column.name);
}

/** The two colours of a verdict: {suits, otherwise}, each a class of a method. */
export function classesOfVerdict({ verdict }, method) {
  const named = (wanted) => classesOf(method).find(({ name }) => name === wanted);
  return { suits: named(verdict.suits), otherwise: named(verdict.otherwise) };
}

/** The colour of a part, or null. method: of its collection, {name, parameters}. */
export function colourOf(column, part, method) {
  const scale = scaleOf(column);
  if (scale) return along(scale, part, method.parameters);
  if (!inShades(column)) {
    const { suits, otherwise } = classesOfVerdict(column, methodNamed(method.name));
    return (part[column.verdict.of_part] ? suits : otherwise).colour;
  }
  const shade = shadeOf(column, part);
  if (!shade?.tint) return shade?.colour ?? null;
  const { field, low, high, share, pale } = shade.tint;
  const steep = Math.min(Math.max((part[field] - low) / (high - low), 0), 1);
  return between([shade.colour, pale], share * (1 - steep));
}

/** The colour of a roof that is judged, by the scale that is chosen, the verdict or its class; null
 * of one without the number. */
export function colourOfRoof(roof, { name, parameters }) {
  const method = methodNamed(name);
  const scale = chosenScale(method);
  if (scale) return along(scale, roof, parameters, "building");
  const column = verdictOf(method);
  if (!column) return method.classes.find((one) => one.name === roof.class)?.colour ?? null;
  const { suits, otherwise } = classesOfVerdict(column, method);
  return (roof[column.verdict.of_building] ? suits : otherwise).colour;
}

/** The colour of a part or building on a scale; null of one without the number. */
function along(scale, row, parameters, kind = "part") {
  const { colours, edges, wide, [`of_${kind}`]: of, [`spread_of_${kind}`]: spread } = scale;
  const value = quantityOf(of, row, parameters);
  if (!Number.isFinite(value)) return null;
  const colour = colours[edges.filter((edge) => value >= edge).length];
  return spread && row[spread.high] - row[spread.low] >= wide * row[spread.of] ? paler(colour) : colour;
}

/** A colour as it is where the interval is wide. */
export function paler(colour) {
  return between([colour, WHITE], PALER);
}

/** The number by which a part or a roof is coloured; not finite where it has none. */
function quantityOf({ of, by, per, lacking }, values, parameters) {
  const value = (values[of] ?? NaN) / ((by ? values[by] ?? NaN : 1) * (per ? parameters[per] : 1));
  return lacking ? 100 * (1 - value) : value;
}
