/** The collection that the map shows: its sources, which of its layers are switched on, and what of it is chosen. */

import { partFill, roofFill } from "./fills.js";
import { awaitTiles, startLoading, tellLoading } from "./loading.js";
import { doWithout, hasMap, theMap } from "./mapview.js";
import { layersOf, methodOf, switchable } from "./methods.js";
import { NONE, addLayers } from "./rooflayers.js";
import { inShades } from "./shades.js";
import { inSpace, removeSolids, startSolids } from "./solids.js";
import { archive, sourceOf, tileAddress } from "./sources.js";
import { isShown, now, on } from "./state.js";
import { WIND } from "./turbines.js";

const ROOFS = ["roofs", "buildings"]; // sources that every collection has

let still = false;
let requests = 0; // to show a collection
let current = null; // the collection
let sources = []; // the names of its sources, the lowest first

/** Keep the layers of the map as the reader switches them. */
export function startLayers(config) {
  still = Boolean(config.static);
  startLoading(fetchAgain);
  startSolids(() => current);
  on(["shown", "hidden", "colour", "sun", "tall", "marks"], showLayers);
}

/** Show a collection: its sources and layers in place of those of another. */
export async function showCollection(collection) {
  if (!hasMap()) return doWithout(collection.bbox);
  current = collection;
  tellLoading(collection);
  const turn = (requests += 1);
  const fresh = await sourcesOf(collection);
  if (turn !== requests) return; // another one was chosen meanwhile
  replaceSources(fresh);
  addLayers(collection);
  showLayers();
  awaitTiles(sources);
}

/** Give the map other sources, [[name, source], ...], in place of those of before with their layers. */
function replaceSources(fresh) {
  const map = theMap();
  for (const { id, source } of map.getStyle().layers) if (sources.includes(source)) map.removeLayer(id);
  removeSolids();
  for (const id of sources) map.removeSource(id);
  for (const [name, source] of fresh) map.addSource(name, source);
  sources = fresh.map(([name]) => name);
}

async function fetchAgain() {
  theMap().getCanvas().focus();
  await showCollection(current);
  choose(now().roof);
}

async function sourcesOf(collection) {
  const named = (ones) => ones.map(({ name }) => name);
  const layers = collection.name ? [...named(layersOf(collection)), ...ROOFS, ...named(methodOf(collection).parts)] : [];
  const fetched = await Promise.all(layers.map((layer) => sourceOf(collection, layer, still)));
  return layers.map((layer, at) => [layer, fetched[at]]).filter(([, source]) => source);
}

/** Show the moment that is chosen of each layer that has several. */
export function showMoments(collection) {
  for (const layer of Object.keys(methodOf(collection).own.moments ?? {})) {
    const source = theMap().getSource(layer);
    if (still) source?.setUrl(archive(collection, layer));
    else source?.setTiles([tileAddress(collection, layer)]);
  }
}

/** Switch the layers as the state says. */
function showLayers() {
  const map = theMap();
  const shown = { ...shownOfCollection(), "marks-edge": now().marks, "marks-points": now().marks };
  paintRoofs();
  for (const [id, visible] of Object.entries(shown)) {
    if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", visible ? "visible" : "none");
  }
}

/** Which layers of the collection are shown, by name. */
function shownOfCollection() {
  const { parts } = methodOf(current);
  const solid = inSpace();
  const shown = { "roofs-tall": solid, "roofs-wind": !solid && isShown(WIND) };
  for (const { name } of switchable(current)) shown[name] = now().shown.includes(name);
  for (const { name } of parts) {
    shown[`${name}-fill`] = isShown(name); // in 3D too, since tiles come for its sake
    for (const part of ["edge", "chosen", "arrow"]) shown[`${name}-${part}`] = !solid && isShown(name);
  }
  shown["roofs-class"] = parts.some((column) => !column.verdict && inShades(column) && isShown(column.name));
  return shown;
}

/** Colour roofs and their parts as is chosen. */
function paintRoofs() {
  const map = theMap();
  const { parts } = methodOf(current);
  for (const column of parts) {
    if (!map.getLayer(`${column.name}-fill`)) continue;
    map.setPaintProperty(`${column.name}-fill`, "fill-color", partFill(column, current));
    map.setPaintProperty(`${column.name}-fill`, "fill-opacity", inSpace() ? 0 : 1);
  }
  if (!map.getLayer("roofs-flat")) return;
  map.setPaintProperty("roofs-flat", "fill-color", roofFill(current, !inSpace() && parts.some(({ name }) => isShown(name))));
}

/** Highlight a roof by its row; null for none. */
export function choose(row) {
  if (!theMap().getLayer("roofs-chosen")) return;
  theMap().setFilter("roofs-chosen", ["==", ["id"], row ?? -1]);
  choosePart(row, now().part);
}

/** Highlight the parts of a roof with a number, null for none. */
export function choosePart(row, part) {
  const map = theMap();
  if (!map.getLayer("roofs-chosen")) return;
  map.setPaintProperty("roofs-chosen", "line-width", part === null ? 4 : 2); // the part stands out
  for (const { name, fields } of methodOf(current).parts) {
    const it = part === null ? NONE : ["all", ["==", ["get", "row"], row], ["==", ["get", fields[0].name], part]];
    if (map.getLayer(`${name}-chosen`)) map.setFilter(`${name}-chosen`, it);
  }
}
