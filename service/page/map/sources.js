/** Where the tiles of a collection come from: the service, or files beside the page. */

import { address, server } from "./api.js";
import { now } from "./state.js";

/** A source of the map for a layer, or null where the collection has none. */
export async function sourceOf(collection, layer, still) {
  const kind = layer === "buildings" ? "vector" : "raster";
  if (still) {
    const url = layer === "shadow" ? shadowFile(collection) : archive(collection.tiles?.[layer]);
    if (!url) return null;
    return kind === "vector" ? { type: kind, url } : { type: kind, url, tileSize: 256 };
  }
  if (kind === "raster" && layer !== "roofs" && !collection.layers?.includes(layer)) return null;
  let told = {};
  try {
    told = await server.tiles(collection.name, layer);
  } catch {
    // Its zooms are then the usual ones.
  }
  const usual = { hillshade: [6, 17], shadow: [6, 17], roofs: [4, 13], buildings: [14, 16] }[layer];
  const source = {
    type: kind,
    tiles: [tileAddress(collection, layer)],
    minzoom: told.minzoom ?? usual[0],
    maxzoom: told.maxzoom ?? usual[1],
    bounds: told.bounds ?? collection.bbox,
  };
  return kind === "vector" ? source : { ...source, tileSize: 256 };
}

/** The address of a layer's tiles; of the shadows at the chosen time. */
export function tileAddress(collection, layer) {
  const time = collection.suns?.[now().sun - 1];
  const asked = layer === "shadow" && time ? `?sun=${encodeURIComponent(time)}` : "";
  const path = `collections/${encodeURIComponent(collection.name)}/tiles/${layer}`;
  return `${address(path)}/{z}/{x}/{y}${asked}`;
}

/** Of an export: the shadows at the chosen time if they are there, else those over all times. */
export function shadowFile(collection) {
  const time = collection.suns?.[now().sun - 1];
  return archive(collection.tiles?.[`shadow@${time}`] ?? collection.tiles?.shadow);
}

/** The address of a file of PMTiles beside the page. */
function archive(name) {
  return name ? `pmtiles://${new URL(name, document.baseURI).href}` : null;
}
