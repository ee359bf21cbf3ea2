/** The colours of roofs and their parts as expressions of the map: shades.js gives the same of one. */

import { methodNamed, methodOf } from "./methods.js";
import { BARE, UNSELECTED, chosenScale, classesOfVerdict, inShades, paler, scaleOf, verdictOf, wraps } from "./shades.js";
import { PARTS_ZOOM } from "./sources.js";
import { between } from "./symbols.js";

/** The colours of roofs; below: where parts are drawn over them, from their zoom on, of none of the
 * classes, which a line says there. */
export function roofFill(collection, below = false) {
  return below ? ["step", ["zoom"], chosenFill(collection), PARTS_ZOOM, ifSelected(BARE)] : chosenFill(collection);
}

/** A roof's colour: by its method's own choice, such as a time, by the scale that is chosen, by
 * whether it suits as its parts do, else by its class; grey outside the selection. */
function chosenFill(collection) {
  const method = methodOf(collection);
  const own = method.own.colouring?.(collection);
  if (own) return ifSelected(own.expression);
  const scale = chosenScale(method);
  if (scale) return ifSelected(scaleExpression(scale, scale.of_building, scale.spread_of_building, collection.method.parameters));
  const column = verdictOf(method);
  return column ? ifSelected(verdictExpression(column, "of_building", collection.method)) : classFill(collection);
}

/** A roof's colour by its class; grey outside the selection. */
export function classFill(collection) {
  const { classes } = methodOf(collection);
  if (!classes.length) return UNSELECTED;
  return ifSelected(["match", ["get", "class"], ...classes.flatMap((one) => [one.name, one.colour]), UNSELECTED]);
}

const ifSelected = (colour) => ["case", ["==", ["get", "selected"], false], UNSELECTED, colour];

/** The colour of parts; of one without a number where a scale is chosen that of a roof below. */
export function partFill(column, collection) {
  const scale = scaleOf(column);
  if (scale) return scaleExpression(scale, scale.of_part, scale.spread_of_part, collection.method.parameters);
  return inShades(column) ? shadeExpression(column) : verdictExpression(column, "of_part", collection.method);
}

/** The colours of a scale as an expression of the map, by a quantity and the spread of the same
 * features, or null; that of none where there is no number. */
function scaleExpression({ colours, edges, wide }, { of, by, per, lacking }, spread, parameters) {
  const divisor = ["*", by ? ["get", by] : 1, per ? parameters[per] : 1];
  const value = ["/", ["get", of], divisor];
  const stepped = (those) => ["step", lacking ? ["*", 100, ["-", 1, value]] : value, those[0], ...edges.flatMap((edge, at) => [edge, those[at + 1]])];
  const unsure = spread && [["all", ["has", spread.high], [">=", ["-", ["get", spread.high], ["get", spread.low]], ["*", wide, ["get", spread.of]]]], stepped(colours.map(paler))];
  const known = ["all", ["has", of], ...(by ? [["has", by], [">", ["get", by], 0]] : [])];
  return ["case", ["!", known], BARE, ...(unsure ?? []), stepped(colours)];
}

/** The colour of a part, or of its roof, by its verdict; field: "of_part" or "of_building". */
function verdictExpression(column, field, { name }) {
  const { suits, otherwise } = classesOfVerdict(column, methodNamed(name));
  return ["case", ["==", ["get", column.verdict[field]], true], suits.colour, otherwise.colour];
}

/** The first shade that holds, that of what is outside the selection where none does. */
function shadeExpression({ shades }) {
  return shades.length ? ["case", ...shades.flatMap((shade) => [condition(shade), colourIn(shade)]), UNSELECTED] : UNSELECTED;
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
