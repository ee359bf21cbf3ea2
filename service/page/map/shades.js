/** How parts of roofs, such as planes, are coloured: by the first of their column's shades that
 * holds, and where that has a tint paler by another field; the same on the map and in the card. */

import { between } from "./symbols.js";

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
const wraps = ({ low, high }) => low !== null && high !== null && low > high;

/** The colour of a part, or null. */
export function colourOf(column, part) {
  const shade = shadeOf(column, part);
  if (!shade?.tint) return shade?.colour ?? null;
  const { field, low, high, share, pale } = shade.tint;
  const steep = Math.min(Math.max((part[field] - low) / (high - low), 0), 1);
  return between([shade.colour, pale], share * (1 - steep));
}

/** The same as an expression of the map, with another colour where no shade holds. */
export function colourExpression({ shades }, otherwise) {
  return shades.length ? ["case", ...shades.flatMap((shade) => [condition(shade), colourIn(shade)]), otherwise] : otherwise;
}

function colourIn({ colour, tint }) {
  if (!tint) return colour;
  const { field, low, high, share, pale } = tint;
  return ["interpolate", ["linear"], ["get", field], low, between([colour, pale], share), high, colour];
}

function condition({ field, value, low, high }) {
  const get = ["get", field];
  if (value !== null) return ["==", get, value];
  const edges = [...(low === null ? [] : [[">=", get, low]]), ...(high === null ? [] : [["<", get, high]])];
  return ["all", ["has", field], wraps({ low, high }) ? ["any", ...edges] : ["all", ...edges]];
}
