/** The symbols of turbines on roofs that suit them. */

import { turbineImage } from "./images.js";
import { theMap } from "./mapview.js";
import { methodOf } from "./methods.js";
import { DETAIL_ZOOM } from "./sources.js";

/** The name of the symbols of turbines among what is switched off. */
export const WIND = "wind";

/** By which column of booleans roofs of a collection suit a turbine, and the steps by which its
 * symbol is coloured: {suits, scale: {column, unit, colours, edges}, or null}; null without one. */
export function windOf(collection) {
  const { uses = {}, columns } = methodOf(collection);
  const suits = Object.keys(uses).find((name) => uses[name] === "wind");
  const by = columns.find(({ symbols }) => symbols);
  return suits ? { suits, scale: by ? { column: by.name, unit: by.unit, ...by.symbols } : null } : null;
}

/** Add a symbol on each roof that suits a turbine, or may, in the colour of what that would give,
 * unless a restriction sets it aside. */
export function addTurbines(collection) {
  const wind = windOf(collection);
  if (!wind || !theMap().getSource("buildings")) return;
  const layout = {
    "icon-image": imageOf(wind), "icon-allow-overlap": true, "icon-ignore-placement": true,
    "icon-size": ["interpolate", ["linear"], ["zoom"], DETAIL_ZOOM, 0.45, 18, 1],
  };
  const shared = { source: "buildings", "source-layer": "buildings", minzoom: DETAIL_ZOOM };
  theMap().addLayer({ ...shared, id: "roofs-wind", type: "symbol", filter: counted(wind), layout }, "area-edge");
}

function counted({ suits, scale }) {
  const may = scale ? ["has", scale.column] : ["==", ["get", suits], true];
  return ["all", may, ["!=", ["get", "selected"], false], ["!", ["in", ["get", "excluded"], ["literal", ["wind", "both"]]]]];
}

/** The image of a turbine, by the steps of its yield where there are such. */
function imageOf({ scale }) {
  const image = (colour) => turbineImage(theMap(), colour);
  if (!scale) return image("#ffffff");
  const [least, ...others] = scale.colours.map(image);
  return ["step", ["to-number", ["get", scale.column], 0], least, ...scale.edges.flatMap((edge, at) => [edge, others[at]])];
}
