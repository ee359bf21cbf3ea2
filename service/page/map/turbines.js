/** The symbols of turbines on roofs that suit them, at the points that the tiles of roofs have for them. */

import { turbineImage } from "./images.js";
import { theMap } from "./mapview.js";
import { methodOf } from "./methods.js";
import { DETAIL_ZOOM } from "./sources.js";

/** The name of the symbols of turbines among what is switched off. */
export const WIND = "wind";
const PLAIN = "#ffffff"; // of a turbine without a yield of its own
/** The points of turbines among the layers of the tiles of roofs. */
export const POINTS = "turbines";
/** The filter of those that no restriction sets aside. */
export const STANDING = ["all", ["!=", ["get", "selected"], false], ["!", ["in", ["get", "excluded"], ["literal", ["wind", "both"]]]]];

/** The steps by which the symbol of a turbine is coloured: {scale: {column, unit, colours, edges}, or
 * null}; null where no roof of a collection suits one. */
export function windOf(collection) {
  const { uses = {}, columns } = methodOf(collection);
  const by = columns.find(({ symbols }) => symbols);
  return Object.values(uses).includes("wind") ? { scale: by ? { column: by.name, unit: by.unit, ...by.symbols } : null } : null;
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
  const shared = { source: "buildings", "source-layer": POINTS, minzoom: DETAIL_ZOOM };
  theMap().addLayer({ ...shared, id: "roofs-wind", type: "symbol", filter: STANDING, layout }, "area-edge");
}

/** The colour of a turbine by its properties, as one of those on the map. */
export function turbineColour({ scale }, turbine) {
  return scale ? scale.colours[scale.edges.filter((edge) => turbine[scale.column] >= edge).length] : PLAIN;
}

/** The image of a turbine, by the steps of its yield where there are such. */
function imageOf({ scale }) {
  const image = (colour) => turbineImage(theMap(), colour);
  if (!scale) return image(PLAIN);
  const [least, ...others] = scale.colours.map(image);
  return ["step", ["to-number", ["get", scale.column], 0], least, ...scale.edges.flatMap((edge, at) => [edge, others[at]])];
}
