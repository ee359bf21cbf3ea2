/** Roofs of another collection than the one that the map shows, where there is no service to ask. */

import { theMap } from "./mapview.js";
import { NONE } from "./rooflayers.js";
import { DETAIL_ZOOM, sourceOf } from "./sources.js";

const LAYER = "buildings";
let requests = 0;

/** The roofs of a building by its number, as features, from the tiles of a collection for what is in view. */
export async function roofsInTilesOf(collection, id) {
  const map = theMap();
  const name = `elsewhere-${(requests += 1)}`;
  map.addSource(name, await sourceOf(collection, LAYER, true));
  // Tiles come for the sake of a layer, though it draws nothing.
  map.addLayer({ id: name, type: "fill", source: name, "source-layer": LAYER, minzoom: DETAIL_ZOOM, filter: NONE });
  await new Promise((done) => map.once("idle", done));
  const roofs = map.querySourceFeatures(name, { sourceLayer: LAYER, filter: ["==", ["to-string", ["get", "id"]], id] });
  map.removeLayer(name);
  map.removeSource(name);
  return roofs;
}
