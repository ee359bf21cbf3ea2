/** How parts of roofs, such as planes, are coloured: by the first of their column's shades that
 * holds, and where the method says so paler by another field; the same on the map and in the card. */

import { between } from "./symbols.js";

const PALE = "#f4f2ec";

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

/** The colour of a part; tint: of its method, as methods.js has it. */
export function colourOf(column, tint, part) {
  const shade = shadeOf(column, part);
  if (!shade) return null;
  if (tint?.of !== shade.field) return shade.colour;
  const steep = (part[tint.field] - tint.low) / (tint.high - tint.low);
  const pale = tint.share * (1 - Math.min(Math.max(steep, 0), 1));
  return between([shade.colour, PALE], pale);
}

/** The same as an expression of the map, with another colour where no shade holds. */
export function colourExpression({ shades }, tint, otherwise) {
  const colour = (shade) => (tint?.of === shade.field ? tinted(shade, tint) : shade.colour);
  return shades.length ? ["case", ...shades.flatMap((shade) => [condition(shade), colour(shade)]), otherwise] : otherwise;
}

function tinted({ colour }, { field, low, high, share }) {
  return ["interpolate", ["linear"], ["get", field], low, between([colour, PALE], share), high, colour];
}

function condition({ field, value, low, high }) {
  const get = ["get", field];
  if (value !== null) return ["==", get, value];
  const edges = [...(low === null ? [] : [[">=", get, low]]), ...(high === null ? [] : [["<", get, high]])];
  return ["all", ["has", field], wraps({ low, high }) ? ["any", ...edges] : ["all", ...edges]];
}
