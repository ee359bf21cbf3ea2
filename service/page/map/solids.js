/** Buildings in 3D: when they are shown, of what features, and in which colours; mesh.js draws them. */

import { theMap, whereNow } from "./mapview.js";
import { lower, raise, solidLayer } from "./mesh.js";
import { methodOf } from "./methods.js";
import { BARE, UNSELECTED, colourOf, colourOfRoof } from "./shades.js";
import { PARTS_ZOOM } from "./sources.js";
import { isShown, now } from "./state.js";
import { CHOSEN, turbineSymbol } from "./symbols.js";
import { POINTS, STANDING, WIND, turbineColour, windOf } from "./turbines.js";

const SOLIDS = "roofs-solid"; // the layer, which has no source
const PHONE = "(max-width: 47.5em)"; // as page.css has it

let tiles = 0; // that came, of any source

/** Show what is in view in 3D whenever the map has come to rest; `collection()` gives the one that is shown. */
export function startSolids(collection) {
  theMap().on("sourcedata", ({ tile }) => {
    if (tile) tiles += 1;
  });
  theMap().on("idle", () => showSolids(collection()));
}

/** Add the layer of buildings in 3D, below another; in place of one that is there. */
export function addSolids(below) {
  theMap().addLayer(solidLayer(theMap(), SOLIDS, PARTS_ZOOM), below);
}

/** Remove that layer, if it is there. */
export function removeSolids() {
  if (theMap().getLayer(SOLIDS)) theMap().removeLayer(SOLIDS);
}

/** Whether the reader sees buildings in 3D from the zoom of their parts on: not on a telephone. */
export function inSpace() {
  return now().tall && !matchMedia(PHONE).matches;
}

/** Show what is in view in 3D as the state says. */
function showSolids(collection) {
  const map = theMap();
  if (!map.getLayer(SOLIDS)) return;
  if (!inSpace() || map.getZoom() < PARTS_ZOOM) return lower();
  const { colour, sun, hidden, roof, part, lang } = now();
  const name = JSON.stringify([collection.name, tiles, whereNow(), map.getCanvas().clientWidth, colour, sun, hidden, roof, part, lang]);
  raise(name, () => featuresOf(collection), looksOf(collection));
}

/** The parts that have a place in space: {column, places: the names of the fields that say it}. */
function solidParts(collection) {
  const { parts, own } = methodOf(collection);
  const column = parts.find(({ name }) => name in (own.solid ?? {}));
  return column ? { column, places: { ...own.solid[column.name], number: column.fields[0].name } } : {};
}

/** What solids are made of: buildings, their parts, and the turbines on them. */
function featuresOf(collection) {
  const map = theMap();
  const all = (name, options = {}) => (map.getSource(name) ? map.querySourceFeatures(name, { sourceLayer: name, ...options }) : []);
  const { column, places: fields } = solidParts(collection);
  return {
    buildings: all("buildings"),
    parts: column && isShown(column.name) ? all(column.name) : [],
    fields,
    turbines: windOf(collection) && isShown(WIND) ? all("buildings", { sourceLayer: POINTS, filter: STANDING }) : [],
  };
}

/** How roofs, their parts, walls and turbines look, by their properties or row. */
function looksOf(collection) {
  const { column, places } = solidParts(collection);
  return {
    turbine: (turbine) => turbineSymbol(turbineColour(windOf(collection), turbine)),
    band: (part) => (part.row === now().roof && part[places.number] === now().part ? CHOSEN : null),
    roof: (roof) => roofColour(collection, roof),
    part: (part) => (part.selected === false ? UNSELECTED : colourOf(column, part, collection.method) ?? BARE),
    wall: (row) => (row === now().roof ? CHOSEN : null),
  };
}

function roofColour(collection, roof) {
  if (!roof.class) return null;
  if (roof.selected === false) return UNSELECTED;
  const own = methodOf(collection).own.colouring?.(collection);
  return own ? own.colourOf(roof) : colourOfRoof(roof, collection.method) ?? BARE;
}
