/** The map itself: made, moved, and with the page's own shapes on it: the area, the draft of one, and marks. */

import { fontsOf, groundOf, isNamed, namesOf, sourcesOf as basemapSources } from "./basemap.js";
import { addImages } from "./images.js";
import { noMap } from "./nomap.js";
import { rounded } from "./shapes.js";
import { now, set } from "./state.js";
import { CHOSEN, INK, MARKS } from "./symbols.js";
import { speakOfNoMap, t } from "./texts.js";

const EMPTY = { type: "FeatureCollection", features: [] };

let maplibre = null; // the library: half of all bytes, so that nothing else waits for it
let map = null;

/** The map, once it was made. */
export function theMap() {
  return map;
}

/** Make the map; rejects where the browser has no WebGL, or the library did not come. */
export async function makeMap(config) {
  maplibre = await import("./vendor/maplibre-gl.js");
  maplibre.setWorkerUrl(new URL("vendor/maplibre-gl-worker.js", import.meta.url).href);
  if (config.static || isNamed(config.basemap)) await readPmtiles();
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
    maxCanvasSize: [8192, 8192], // of a picture in a file
    attributionControl: false,
    dragRotate: true,
    locale: locale(),
  });
  map.addControl(new maplibre.NavigationControl({ visualizePitch: true }), "top-right");
  map.addControl(new maplibre.ScaleControl({ maxWidth: 110 }), "bottom-right");
  map.on("moveend", () => set({ at: whereNow() }));
  await new Promise((done) => map.once("load", done));
  addImages(map);
  addMarksAndAreas();
  for (const layer of namesOf(config.basemap)) map.addLayer(layer, "draft");
}

/** Go on without a map, over [west, south, east, north]. */
export function doWithout(bbox) {
  map = noMap(bbox, document.getElementById("map"));
  document.body.classList.add("no-map");
  speakOfNoMap();
}

/** What `act` gives while the map is drawn with so many pixels a CSS one. */
export async function sharpened(unit, act) {
  const drawn = new Promise((done) => { map.once("idle", done); });
  map.setPixelRatio(unit);
  await drawn;
  try {
    return act();
  } finally {
    map.setPixelRatio(null); // as the screen has it
  }
}

/** Whether there is a map to look at. */
export function hasMap() {
  return !document.body.classList.contains("no-map");
}

/** Where the map is: [lat, lon, zoom, pitch, bearing]. */
export function whereNow() {
  const { lng, lat } = map.getCenter();
  const turn = [map.getZoom().toFixed(2), map.getPitch().toFixed(0), map.getBearing().toFixed(0)];
  return [Number(lat.toFixed(5)), Number(lng.toFixed(5)), ...turn.map(Number)];
}

async function readPmtiles() {
  const { protocol } = await import("./archive.js");
  maplibre.addProtocol("pmtiles", protocol());
}

function baseStyle(basemap) {
  const paper = { id: "paper", type: "background", paint: { "background-color": "#f4f2ec" } };
  return { version: 8, ...fontsOf(basemap), sources: basemapSources(basemap), layers: [paper, ...groundOf(basemap)] };
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
  const labels = { "zoom-in": "zoom_in", "zoom-out": "zoom_out", compass: "to_north" };
  for (const [part, key] of Object.entries(labels)) {
    const button = map.getContainer().querySelector(`.maplibregl-ctrl-${part}`);
    button?.setAttribute("aria-label", t(key));
    button?.setAttribute("title", t(key));
  }
  map.getCanvas().setAttribute("aria-label", t("map_keys"));
}

function addMarksAndAreas() {
  for (const id of ["area", "draft", "marks", "marks-points"]) {
    map.addSource(id, { type: "geojson", data: EMPTY });
  }
  const wish = ["match", ["get", "kind"], ...Object.entries(MARKS).flatMap(([kind, { colour }]) => [kind, colour]), INK];
  const layers = [
    { id: "area-fill", type: "fill", source: "area", paint: { "fill-color": CHOSEN, "fill-opacity": 0.04 } },
    { id: "area-edge", type: "line", source: "area", paint: { "line-color": CHOSEN, "line-width": 2.5, "line-dasharray": [3, 2] } },
    {
      id: "area-corners", type: "circle", source: "area", filter: ["==", ["geometry-type"], "Point"],
      paint: { "circle-color": "#fff", "circle-radius": 5, "circle-stroke-color": CHOSEN, "circle-stroke-width": 2.5 },
    },
    { id: "draft", type: "line", source: "draft", paint: { "line-color": CHOSEN, "line-width": 4 } },
    // Nothing fills what roofs show: it would give them a colour that no class has.
    { id: "marks-edge", type: "line", source: "marks", paint: { "line-color": wish, "line-width": 2.5 } },
    {
      id: "marks-points", type: "symbol", source: "marks-points",
      layout: { "icon-image": ["get", "kind"], "icon-allow-overlap": true, "icon-ignore-placement": true },
    },
  ];
  for (const layer of layers) map.addLayer(layer);
}

/** Put features into one of the page's own sources: "area", "draft", "marks" or "marks-points". */
export function put(source, features) {
  map.getSource(source)?.setData({ type: "FeatureCollection", features });
}

/** What is in view: [west, south, east, north]. */
export function viewBox() {
  const box = map.getBounds();
  return [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map(rounded);
}

/** Go to [west, south, east, north], at once for those who want no movement. */
export function goTo([west, south, east, north], options = {}) {
  const padding = { top: 40, right: 55, bottom: 40, left: 40 }; // beside that of the map
  map.fitBounds([[west, south], [east, north]], { padding, maxZoom: 17, duration: 700, ...options });
}
