/** The map itself: sources, layers and their order, what is switched on, what is highlighted. */

import * as maplibre from "./vendor/maplibre-gl.js";
import { shadowFile, sourceOf, tileAddress } from "./sources.js";
import { noMap } from "./nomap.js";
import { now, on, set } from "./state.js";
import { rounded } from "./shapes.js";
import { t } from "./texts.js";

const DETAIL_ZOOM = 14; // from here buildings one by one, before that a picture of their classes
const INK = "#1f2933";
const CHOSEN = "#d6006c"; // none of the classes' colours, nor like one to any eye
/** The colour of roofs outside the circle that was asked for. */
export const UNSELECTED = "#bdbab3";
/** The colours of marks by their kind. */
export const MARK_COLOURS = { chance: "#00796b", not_wanted: "#7b1fa2", correction: INK };
const SOURCES = ["hillshade", "shadow", "roofs", "buildings"];
const EMPTY = { type: "FeatureCollection", features: [] };

let map = null;
let colours = {};
let still = false;
let asked = 0; // how often a collection was to be shown

maplibre.setWorkerUrl(new URL("vendor/maplibre-gl-worker.js", import.meta.url).href);

/** The map, once it was made. */
export function theMap() {
  return map;
}

/** Make the map; rejects where the browser has no WebGL. */
export async function makeMap(config) {
  colours = Object.fromEntries(Object.entries(config.classes).map(([k, v]) => [k, v.colour]));
  still = Boolean(config.static);
  if (still) await readPmtiles();
  const at = now().at;
  map = new maplibre.Map({
    container: "map",
    style: baseStyle(config.basemap),
    center: at ? [at[1], at[0]] : [5.3, 52.15],
    zoom: at ? at[2] : 7,
    pitch: at ? at[3] : 0,
    bearing: at ? at[4] : 0,
    maxZoom: 20,
    maxPitch: 70,
    attributionControl: false,
    dragRotate: true,
    locale: locale(),
  });
  map.addControl(new maplibre.NavigationControl({ visualizePitch: true }), "top-right");
  map.addControl(new maplibre.ScaleControl({ maxWidth: 110 }), "bottom-right");
  map.on("moveend", () => set({ at: whereNow() }));
  await new Promise((done) => map.once("load", done));
  map.addImage("hatch", hatch(), { pixelRatio: 2 });
  addMarksAndAreas();
  on(["shadow", "sun", "tall", "marks"], showLayers);
  return map;
}

/** Go on without a map, over [west, south, east, north]. */
export function doWithout(bbox) {
  map = noMap(bbox, document.getElementById("map"));
  document.body.classList.add("no-map");
}

/** Whether there is a map to look at. */
export function hasMap() {
  return !document.body.classList.contains("no-map");
}

/** Where the map is: [lat, lon, zoom, pitch, bearing]. */
function whereNow() {
  const { lng, lat } = map.getCenter();
  const turn = [map.getZoom().toFixed(2), map.getPitch().toFixed(0), map.getBearing().toFixed(0)];
  return [Number(lat.toFixed(5)), Number(lng.toFixed(5)), ...turn.map(Number)];
}

async function readPmtiles() {
  const { Protocol } = await import("./vendor/pmtiles.js");
  maplibre.addProtocol("pmtiles", new Protocol().tile);
}

function baseStyle(basemap) {
  const style = { version: 8, sources: {}, layers: [] };
  style.layers.push({ id: "paper", type: "background", paint: { "background-color": "#f4f2ec" } });
  if (basemap) {
    style.sources.basemap = {
      type: "raster", tiles: [basemap.url], tileSize: 256, maxzoom: basemap.maxzoom ?? 19,
    };
    const quiet = { "raster-saturation": -0.7, "raster-contrast": -0.1, "raster-opacity": 0.75 };
    style.layers.push({ id: "basemap", type: "raster", source: "basemap", paint: quiet });
  }
  return style;
}

/** The control's words; the map's own are English. */
function locale() {
  return {
    "Map.Title": t("map"),
    "NavigationControl.ZoomIn": t("zoom_in"),
    "NavigationControl.ZoomOut": t("zoom_out"),
    "NavigationControl.ResetBearing": t("to_north"),
  };
}

/** Write the control's words in the language that is spoken now. */
export function relabel() {
  const said = { "zoom-in": "zoom_in", "zoom-out": "zoom_out", compass: "to_north" };
  for (const [part, key] of Object.entries(said)) {
    const button = map.getContainer().querySelector(`.maplibregl-ctrl-${part}`);
    button?.setAttribute("aria-label", t(key));
    button?.setAttribute("title", t(key));
  }
  map.getCanvas().setAttribute("aria-label", t("map_keys"));
}

/** Diagonal lines, for what was not judged. */
function hatch() {
  const side = 16;
  const data = new Uint8ClampedArray(side * side * 4);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const ink = (x + y) % 8 < 2;
      data.set(ink ? [107, 107, 107, 255] : [251, 250, 247, 255], 4 * (y * side + x));
    }
  }
  return { width: side, height: side, data };
}

/** Show a collection: its sources and layers in place of those of another. */
export async function showCollection(collection) {
  if (!hasMap()) return doWithout(collection.bbox);
  tellLoading(collection);
  const turn = (asked += 1);
  const sources = await sourcesOf(collection);
  if (turn !== asked) return; // another one was chosen meanwhile
  for (const id of ["hillshade", "shadow", "roofs", "roofs-flat", "roofs-hatch", "roofs-edge", "roofs-aside", "roofs-tall", "roofs-chosen"]) {
    if (map.getLayer(id)) map.removeLayer(id);
  }
  for (const id of SOURCES) {
    if (map.getSource(id)) map.removeSource(id);
  }
  for (const [layer, source] of sources) map.addSource(layer, source);
  addPictures();
  addRoofs();
  showLayers();
}

/** Say that roofs are on their way, until all is drawn. */
function tellLoading(collection) {
  const place = document.getElementById("loading");
  place.textContent = collection.name ? t("loading") : "";
  map.once("idle", () => { place.textContent = ""; });
}

async function sourcesOf(collection) {
  const layers = collection.name ? SOURCES : [];
  const sources = await Promise.all(layers.map((layer) => sourceOf(collection, layer, still)));
  return layers.map((layer, at) => [layer, sources[at]]).filter(([, source]) => source);
}

/** Show the shadows of the time that is chosen. */
export function showSun(collection) {
  const source = map?.getSource("shadow");
  if (!source) return;
  if (still) source.setUrl(shadowFile(collection));
  else source.setTiles([tileAddress(collection, "shadow")]);
}

function addPictures() {
  const relief = { "raster-opacity": map.getLayer("basemap") ? 0.45 : 0.6, "raster-fade-duration": 0 };
  if (map.getSource("hillshade")) {
    map.addLayer({ id: "hillshade", type: "raster", source: "hillshade", paint: relief }, "area-fill");
  }
  if (map.getSource("shadow")) {
    const paint = { "raster-opacity": 0.85, "raster-fade-duration": 0 };
    map.addLayer({ id: "shadow", type: "raster", source: "shadow", paint }, "area-fill");
  }
  if (map.getSource("roofs")) {
    const paint = { "raster-resampling": "nearest", "raster-fade-duration": 0 };
    map.addLayer(
      { id: "roofs", type: "raster", source: "roofs", maxzoom: DETAIL_ZOOM, paint }, "area-fill",
    );
  }
}

function addRoofs() {
  if (!map.getSource("buildings")) return;
  const shared = { source: "buildings", "source-layer": "buildings", minzoom: DETAIL_ZOOM };
  const judged = ["has", "class"];
  const layers = [
    { id: "roofs-hatch", type: "fill", filter: ["!", judged], paint: { "fill-pattern": "hatch" } },
    { id: "roofs-flat", type: "fill", filter: judged, paint: { "fill-color": fill(), "fill-opacity": 0.92 } },
    { id: "roofs-edge", type: "line", paint: { "line-color": INK, "line-width": 0.5, "line-opacity": 0.55 } },
    {
      id: "roofs-aside", type: "line", filter: ["has", "excluded"],
      paint: { "line-color": "#000", "line-width": 2, "line-dasharray": [2, 1.5] },
    },
    {
      id: "roofs-tall", type: "fill-extrusion", filter: ["has", "height_m"],
      layout: { visibility: "none" },
      paint: {
        "fill-extrusion-color": ["case", judged, fill(), "#d9d7d0"],
        "fill-extrusion-height": ["max", ["to-number", ["get", "height_m"], 0], 0],
        "fill-extrusion-opacity": 0.95,
      },
    },
    {
      id: "roofs-chosen", type: "line", filter: ["==", ["id"], -1],
      paint: { "line-color": CHOSEN, "line-width": 4 },
    },
  ];
  for (const layer of layers) map.addLayer({ ...shared, ...layer }, "area-fill");
}

/** A roof's colour by its class; grey outside the selection. */
function fill() {
  const colour = ["match", ["get", "class"], ...Object.entries(colours).flat(), UNSELECTED];
  return ["case", ["==", ["get", "selected"], false], UNSELECTED, colour];
}

function addMarksAndAreas() {
  for (const id of ["area", "marks", "marks-points"]) {
    map.addSource(id, { type: "geojson", data: EMPTY });
  }
  const wish = ["match", ["get", "kind"], ...Object.entries(MARK_COLOURS).flat(), INK];
  const layers = [
    { id: "area-fill", type: "fill", source: "area", paint: { "fill-color": CHOSEN, "fill-opacity": 0.04 } },
    { id: "area-edge", type: "line", source: "area", paint: { "line-color": CHOSEN, "line-width": 2.5, "line-dasharray": [3, 2] } },
    {
      id: "area-corners", type: "circle", source: "area", filter: ["==", ["geometry-type"], "Point"],
      paint: { "circle-color": "#fff", "circle-radius": 5, "circle-stroke-color": CHOSEN, "circle-stroke-width": 2.5 },
    },
    { id: "marks-fill", type: "fill", source: "marks", paint: { "fill-color": wish, "fill-opacity": 0.25 } },
    { id: "marks-edge", type: "line", source: "marks", paint: { "line-color": wish, "line-width": 2 } },
    {
      id: "marks-points", type: "circle", source: "marks-points",
      paint: { "circle-color": wish, "circle-radius": 6, "circle-stroke-color": "#fff", "circle-stroke-width": 2 },
    },
  ];
  for (const layer of layers) map.addLayer(layer);
}

/** Switch the layers as the state says. */
export function showLayers() {
  const { shadow, tall, marks } = now();
  const shown = { shadow, "roofs-tall": tall, "roofs-flat": !tall, "roofs-edge": !tall };
  for (const id of ["marks-fill", "marks-edge", "marks-points"]) shown[id] = marks;
  for (const [id, visible] of Object.entries(shown)) {
    if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", visible ? "visible" : "none");
  }
}

/** Put features into one of the page's own sources: "area", "marks" or "marks-points". */
export function put(source, features) {
  map.getSource(source)?.setData({ type: "FeatureCollection", features });
}

/** Highlight a roof by its row; null for none. */
export function choose(row) {
  const it = ["==", ["id"], row ?? -1];
  if (!map.getLayer("roofs-chosen")) return;
  map.setFilter("roofs-chosen", it);
  map.setPaintProperty("roofs-tall", "fill-extrusion-color", ["case", it, CHOSEN, ["has", "class"], fill(), "#d9d7d0"]);
}

/** The roofs that stand on the screen, each once, as features. */
export function roofsInView(place = undefined) {
  const layers = ["roofs-flat", "roofs-hatch", "roofs-tall"].filter((id) => map.getLayer(id));
  const found = new Map();
  for (const feature of map.queryRenderedFeatures(place, { layers })) {
    if (!found.has(feature.id)) found.set(feature.id, feature);
  }
  return [...found.values()];
}

/** Whether buildings are shown one by one. */
export function inDetail() {
  return map.getZoom() >= DETAIL_ZOOM;
}

/** What is in view: [west, south, east, north]. */
export function viewBox() {
  const box = map.getBounds();
  return [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map(rounded);
}

/** Go to [west, south, east, north], at once for those who want no movement. */
export function goTo([west, south, east, north], options = {}) {
  const { clientWidth: wide, clientHeight: high } = map.getContainer();
  const beside = document.getElementById("legend").open && wide > 800;
  // On a telephone the sheet covers the lower half, and the sources stand above it.
  const below = document.getElementById("panel").offsetWidth > wide * 0.9 ? high * 0.52 + 60 : 40;
  const padding = { top: 40, right: 55, bottom: below, left: beside ? 320 : 40 };
  map.fitBounds([[west, south], [east, north]], { padding, maxZoom: 17, duration: 700, ...options });
}
