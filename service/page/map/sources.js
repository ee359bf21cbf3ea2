/** Where the tiles of a collection come from, the service or files beside the page, and what they
 * have at which zooms. */

import { address, server } from "./api.js";
import { methodOf } from "./methods.js";

/** From here buildings come one by one, with all that a card needs. */
export const DETAIL_ZOOM = 14;
/** From here their parts come, such as planes. */
export const PARTS_ZOOM = 16;

/** The zoom from which roofs have outlines, before which there is a picture of their classes. */
export const outlinesFrom = ({ outlines = DETAIL_ZOOM }) => outlines;

/** A source of the map for a layer, or null where the collection has none. */
export async function sourceOf(collection, layer, still) {
  const ofParts = methodOf(collection).parts.some(({ name }) => name === layer);
  const kind = ofParts || layer === "buildings" ? "vector" : "raster";
  if (still) {
    const url = archive(collection, layer);
    if (!url) return null;
    return kind === "vector" ? { type: kind, url } : { type: kind, url, tileSize: 256 };
  }
  let tilejson = {};
  try {
    tilejson = await server.tiles(collection.name, layer);
  } catch {
    // Its zooms are then the usual ones.
  }
  const usual = ofParts ? [PARTS_ZOOM, PARTS_ZOOM] : { roofs: [4, 13], buildings: [outlinesFrom(collection), PARTS_ZOOM] }[layer] ?? [6, 17];
  const source = {
    type: kind,
    tiles: [tileAddress(collection, layer)],
    minzoom: tilejson.minzoom ?? usual[0],
    maxzoom: tilejson.maxzoom ?? usual[1],
    bounds: tilejson.bounds ?? collection.bbox,
  };
  return kind === "vector" ? source : { ...source, tileSize: 256 };
}

/** The moment of a layer that is chosen, where its method lets choose one. */
function momentOf(collection, layer) {
  return methodOf(collection).own.moments?.[layer]?.chosen(collection) ?? null;
}

/** The address of a layer's tiles, of the moment that is chosen. */
export function tileAddress(collection, layer) {
  const moment = momentOf(collection, layer);
  const query = moment ? `?sun=${encodeURIComponent(moment)}` : "";
  const path = `collections/${encodeURIComponent(collection.name)}/tiles/${layer}`;
  return `${address(path)}/{z}/{x}/{y}${query}`;
}

/** Of an export: the file of PMTiles beside the page, of the moment that is chosen if it is there. */
export function archive({ tiles, ...collection }, layer) {
  const name = tiles?.[`${layer}@${momentOf(collection, layer)}`] ?? tiles?.[layer];
  return name ? `pmtiles://${new URL(name, document.baseURI).href}` : null;
}
