/** The layers of a collection and their order: pictures, roofs, their parts, and above these lines and symbols. */

import { classFill, partFill, roofFill } from "./fills.js";
import { theMap } from "./mapview.js";
import { isGround, layersOf, methodOf } from "./methods.js";
import { addSolids } from "./solids.js";
import { DETAIL_ZOOM, PARTS_ZOOM, outlinesFrom } from "./sources.js";
import { CHOSEN, INK } from "./symbols.js";
import { addTurbines } from "./turbines.js";

const ARROWS_ZOOM = 17.5; // from here a plane has room for an arrow
const NEAREST = { "raster-resampling": "nearest", "raster-fade-duration": 0 }; // of pictures: no colours between two of them
const CHOSEN_LINE = { "line-color": CHOSEN, "line-width": 4 };
const COUNTED = ["!=", ["get", "selected"], false];
/** A filter by which nothing is drawn. */
export const NONE = ["==", ["id"], -1];

/** Add the layers of a collection whose sources the map has. */
export function addLayers(collection) {
  for (const add of [addPictures, addRoofs, addParts, addArrows, addTurbines, addFigures]) add(collection);
}

function addPictures(collection) {
  const map = theMap();
  const relief = { "raster-opacity": map.getLayer("basemap") ? 0.45 : 0.6, "raster-fade-duration": 0 };
  const above = { "raster-opacity": 0.85, "raster-fade-duration": 0 };
  for (const layer of layersOf(collection).filter((one) => !isFigure(one))) {
    const paint = isGround(layer) ? relief : above;
    if (map.getSource(layer.name)) map.addLayer({ id: layer.name, type: "raster", source: layer.name, paint }, "area-fill");
  }
  if (!map.getSource("roofs")) return;
  map.addLayer({ id: "roofs", type: "raster", source: "roofs", maxzoom: outlinesFrom(collection), paint: NEAREST }, "area-edge");
}

/** Whether a layer is a picture of figures, in the colours of a palette. */
const isFigure = ({ drawn }) => drawn.kind === "palette";

/** Pictures of figures above the roofs and their parts, which would hide them, and below the lines of classes. */
function addFigures(collection) {
  const map = theMap();
  const above = ["roofs-class", "roofs-aside", "area-edge"].find((id) => map.getLayer(id));
  for (const { name } of layersOf(collection).filter(isFigure)) {
    if (map.getSource(name)) map.addLayer({ id: name, type: "raster", source: name, paint: NEAREST }, above);
  }
}

function addRoofs(collection) {
  const map = theMap();
  if (!map.getSource("buildings")) return;
  const shared = { source: "buildings", "source-layer": "buildings", minzoom: outlinesFrom(collection) };
  const judged = ["has", "class"];
  const layers = [
    { id: "roofs-hatch", type: "fill", filter: ["!", judged], paint: { "fill-pattern": "hatch" } },
    { id: "roofs-flat", type: "fill", filter: judged, paint: { "fill-color": roofFill(collection), "fill-opacity": 0.92 } },
    { id: "roofs-edge", type: "line", minzoom: DETAIL_ZOOM, paint: { "line-color": INK, "line-width": 0.5, "line-opacity": 0.55 } },
    {
      id: "roofs-aside", type: "line", filter: ["has", "excluded"],
      paint: { "line-color": "#000", "line-width": 2, "line-dasharray": [2, 1.5] },
    },
    {
      // Nothing of it is drawn: it says which building is where in 3D.
      id: "roofs-tall", type: "fill-extrusion", filter: ["has", "height_m"], minzoom: PARTS_ZOOM,
      layout: { visibility: "none" },
      paint: { "fill-extrusion-height": ["max", ["to-number", ["get", "height_m"], 0], 0], "fill-extrusion-opacity": 0 },
    },
    { id: "roofs-chosen", type: "line", filter: NONE, paint: CHOSEN_LINE },
  ];
  for (const layer of layers) map.addLayer({ ...shared, ...layer }, "area-edge");
  addSolids("roofs-chosen");
}

/** The parts of roofs in their colours, above the roofs and below what is said of these by lines. */
function addParts(collection) {
  const map = theMap();
  const parts = methodOf(collection).parts.filter(({ name }) => map.getSource(name));
  for (const column of parts) {
    const shared = { source: column.name, "source-layer": column.name, minzoom: PARTS_ZOOM, filter: COUNTED };
    const paint = { "fill-color": partFill(column, collection) };
    const line = { "line-color": INK, "line-width": 0.7, "line-opacity": 0.8 };
    map.addLayer({ ...shared, id: `${column.name}-fill`, type: "fill", paint }, "roofs-aside");
    map.addLayer({ ...shared, id: `${column.name}-edge`, type: "line", paint: line }, "roofs-aside");
    map.addLayer({ ...shared, id: `${column.name}-chosen`, type: "line", filter: NONE, paint: CHOSEN_LINE }, "roofs-chosen");
  }
  if (parts.length && map.getLayer("roofs-flat")) addClassLines(collection);
}

/** The class of a roof as a line, where parts are drawn over it. */
function addClassLines(collection) {
  const roofs = { source: "buildings", "source-layer": "buildings", minzoom: PARTS_ZOOM, filter: ["has", "class"] };
  const line = { "line-color": classFill(collection), "line-width": 2 };
  theMap().addLayer({ ...roofs, id: "roofs-class", type: "line", paint: line }, "roofs-aside");
}

/** An arrow on each part that faces some way and has room for something, for maps that show it flat. */
function addArrows(collection) {
  for (const [name, { azimuth, room }] of Object.entries(methodOf(collection).own.solid ?? {})) {
    if (!theMap().getSource(name)) continue;
    const layout = {
      "icon-image": "arrow", "icon-rotate": ["get", azimuth], "icon-rotation-alignment": "map", "icon-pitch-alignment": "map",
      "icon-size": ["interpolate", ["linear"], ["zoom"], ARROWS_ZOOM, 0.5, 20, 1.2], "icon-allow-overlap": true, "icon-ignore-placement": true,
    };
    const filter = ["all", ["has", azimuth], [">", ["get", room], 0], COUNTED];
    theMap().addLayer({ id: `${name}-arrow`, type: "symbol", source: name, "source-layer": name, minzoom: ARROWS_ZOOM, filter, layout }, "area-edge");
  }
}
