/** Which roofs, parts of them and marks the map has in view. */

import { hasMap, theMap } from "./mapview.js";
import { methodOf } from "./methods.js";
import { DETAIL_ZOOM, PARTS_ZOOM, outlinesFrom } from "./sources.js";
import { isShown } from "./state.js";
import { MARKS } from "./symbols.js";

/** The roofs that stand on the screen, each once, as features. */
export function roofsInView(place = undefined) {
  const layers = ["roofs-flat", "roofs-hatch", "roofs-tall"].filter((id) => theMap().getLayer(id));
  const roofs = new Map();
  for (const feature of theMap().queryRenderedFeatures(place, { layers })) {
    if (!roofs.has(feature.id)) roofs.set(feature.id, feature);
  }
  return [...roofs.values()];
}

/** A roof by its row as the tiles have it that are there: a feature of one of its pieces, or undefined. */
export function roofInTiles(row) {
  return theMap().querySourceFeatures("buildings", { sourceLayer: "buildings", filter: ["==", ["id"], row] })[0];
}

/** The kinds of marks that are seen. */
export function kindsInView() {
  if (!theMap().getLayer("marks-points")) return [];
  const kinds = theMap().queryRenderedFeatures({ layers: ["marks-points"] }).map(({ properties }) => properties.kind);
  return Object.keys(MARKS).filter((kind) => kinds.includes(kind));
}

/** The parts of a kind that a roof has in the tiles that are there: features, each of all its pieces. */
export function partsInTiles(name, row) {
  if (!theMap().getSource(name)) return [];
  const parts = new Map();
  for (const { id, properties, geometry } of theMap().querySourceFeatures(name, { sourceLayer: name, filter: ["==", ["get", "row"], row] })) {
    const pieces = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    const before = parts.get(id)?.geometry.coordinates ?? [];
    parts.set(id, { properties, geometry: { type: "MultiPolygon", coordinates: [...before, ...pieces] } });
  }
  return [...parts].sort(([one], [other]) => one - other).map(([, part]) => part);
}

/** The parts of roofs that are drawn at a place on the screen: [{name of their kind, properties}, ...]. */
export function partsAt(collection, place) {
  if (!hasMap()) return [];
  const layers = methodOf(collection).parts.map(({ name }) => `${name}-fill`).filter((id) => theMap().getLayer(id));
  return theMap().queryRenderedFeatures(place, { layers }).map(({ source, properties }) => ({ name: source, properties }));
}

/** Whether a kind of parts of roofs is drawn now. */
export function drawsParts(name) {
  return hasMap() && theMap().getZoom() >= PARTS_ZOOM && isShown(name);
}

/** Whether roofs have outlines, each in its colour; a picture of classes stands for them before. */
export function outlined(collection) {
  return theMap().getZoom() >= outlinesFrom(collection);
}

/** Whether buildings are shown one by one. */
export function inDetail() {
  return theMap().getZoom() >= DETAIL_ZOOM;
}
