/** How parts of roofs, such as planes, are coloured: by the first of their column's shades that
 * holds, and where that has a tint paler by another field; or by the scale that the reader chose,
 * which colours roofs as well. The same on the map and in the card. */

import { now } from "./state.js";
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

/** The scale that the reader chose among those of a column, or null. */
export function scaleOf({ scales }) {
  return scales.find(({ name }) => name === now().colour) ?? null;
}

/** The same, but null where it is of roofs alone. */
function scaleOfParts(column) {
  const scale = scaleOf(column);
  return scale?.of_part ? scale : null;
}

/** The colour of a part, or null. parameters: of the method. */
export function colourOf(column, part, parameters) {
  const scale = scaleOfParts(column);
  if (scale) return along(scale, quantityOf(scale.of_part, part, parameters));
  const shade = shadeOf(column, part);
  if (!shade?.tint) return shade?.colour ?? null;
  const { field, low, high, share, pale } = shade.tint;
  const steep = Math.min(Math.max((part[field] - low) / (high - low), 0), 1);
  return between([shade.colour, pale], share * (1 - steep));
}

function along({ colours, low, high }, value) {
  return Number.isFinite(value) ? between(colours, Math.min(Math.max((value - low) / (high - low), 0), 1)) : null;
}

/** The number by which a part or a roof is coloured; not finite where it has none. */
export function quantityOf({ of, by, per, lacking }, values, parameters) {
  const value = (values[of] ?? NaN) / ((by ? values[by] ?? NaN : 1) * (per ? parameters[per] : 1));
  return lacking ? 100 * (1 - value) : value;
}

/** The colour along a scale by a quantity as an expression of the map, another where there is none. */
export function scaleExpression({ colours, low, high }, { of, by, per, lacking }, parameters, otherwise) {
  const divisor = ["*", by ? ["get", by] : 1, per ? parameters[per] : 1];
  const value = ["/", ["get", of], divisor];
  const stops = colours.flatMap((colour, at) => [low + ((high - low) * at) / (colours.length - 1), colour]);
  const colour = ["interpolate", ["linear"], lacking ? ["*", 100, ["-", 1, value]] : value, ...stops];
  return ["case", ["all", ["has", of], ...(by ? [["has", by], [">", ["get", by], 0]] : [])], colour, otherwise];
}

/** The colour of a part as an expression of the map, another where it has none. */
export function colourExpression(column, parameters, otherwise) {
  const scale = scaleOfParts(column);
  return scale ? scaleExpression(scale, scale.of_part, parameters, otherwise) : shadeExpression(column, otherwise);
}

function shadeExpression({ shades }, otherwise) {
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
