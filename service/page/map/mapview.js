/** The map itself: sources, layers and their order, what is switched on, what is highlighted. */

import * as maplibre from "./vendor/maplibre-gl.js";
import { fontsOf, groundOf, isNamed, namesOf, sourcesOf as basemapSources } from "./basemap.js";
import { archive, sourceOf, tileAddress } from "./sources.js";
import { isGround, layersOf, methodOf, switchable } from "./methods.js";
import { byId, make } from "./dom.js";
import { noMap } from "./nomap.js";
import { now, on, set } from "./state.js";
import { cornersDrawn, lower, raise, solidLayer } from "./mesh.js";
import { colourExpression, colourOf, colourOfRoof, inShades, scaleExpression, scaleOf, verdictExpression } from "./shades.js";
import { boxesMeet, rounded } from "./shapes.js";
import { ARROW, CHOSEN, MARKS, dots, turbineSymbol } from "./symbols.js";
import { say, speakOfNoMap, t } from "./texts.js";

const DETAIL_ZOOM = 14; // from here buildings one by one, with all that a card needs
export const PARTS_ZOOM = 16; // from here their parts, such as planes
const INK = "#1f2933";
const PATIENCE_MS = 30_000; // for roofs, before it is said that none came
/** The colour of roofs outside the circle that was asked for. */
export const UNSELECTED = "#bdbab3";
/** The colour of roofs below their parts: of what is in none. */
export const BARE = "#ffffff";
const ROOFS = ["roofs", "buildings"]; // sources that every collection has
const NONE = ["==", ["id"], -1]; // a filter
const ARROWS_ZOOM = 17.5; // from here a plane has room for an arrow
const PHONE = "(max-width: 47.5em)"; // as page.css has it
/** The name of the symbols of turbines among what is switched off. */
export const WIND = "wind";
const EMPTY = { type: "FeatureCollection", features: [] };

let map = null;
let still = false;
let requests = 0; // to show a collection
let current = null; // the collection
let sources = []; // the names of its sources, the lowest first
let adding = false; // its sources
let tiles = 0; // that came, of any source
let timer = 0; // after which roofs count as missing
let failures = []; // errors of tiles, or else of whole sources
let failure = null; // the key of the text that is shown for those

maplibre.setWorkerUrl(new URL("vendor/maplibre-gl-worker.js", import.meta.url).href);

/** The map, once it was made. */
export function theMap() {
  return map;
}

/** Make the map; rejects where the browser has no WebGL. */
export async function makeMap(config) {
  still = Boolean(config.static);
  if (still || isNamed(config.basemap)) await readPmtiles();
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
  map.on("error", (event) => {
    console.error(event.error);
    if (sources.includes(event.sourceId)) failures.push(event);
  });
  map.on("idle", tellLoaded);
  map.on("idle", showSolids);
  map.on("sourcedata", ({ tile }) => {
    if (tile) tiles += 1;
  });
  await new Promise((done) => map.once("load", done));
  map.addImage("hatch", hatch(), { pixelRatio: 2 });
  for (const [kind, { symbol }] of Object.entries(MARKS)) {
    map.addImage(kind, dots(symbol, 40), { pixelRatio: 2 });
  }
  map.addImage("arrow", dots(ARROW, 40), { pixelRatio: 2 });
  addMarksAndAreas();
  for (const layer of namesOf(config.basemap)) map.addLayer(layer, "draft");
  keepClear();
  on(["shown", "hidden", "colour", "sun", "tall", "marks"], showLayers);
  return map;
}

/** Go on without a map, over [west, south, east, north]. */
export function doWithout(bbox) {
  map = noMap(bbox, document.getElementById("map"));
  document.body.classList.add("no-map");
  speakOfNoMap();
}

/** How many corners of buildings in 3D are drawn: for tests. */
export { cornersDrawn };

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
  showFailure(failure);
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
  [current, adding] = [collection, true];
  tellLoading();
  const turn = (requests += 1);
  const fresh = await sourcesOf(collection);
  if (turn !== requests) return; // another one was chosen meanwhile
  for (const { id, source } of map.getStyle().layers) if (sources.includes(source)) map.removeLayer(id);
  if (map.getLayer("roofs-solid")) map.removeLayer("roofs-solid"); // which has no source
  for (const id of sources) map.removeSource(id);
  for (const [layer, source] of fresh) map.addSource(layer, source);
  sources = fresh.map(([layer]) => layer);
  addPictures();
  addRoofs();
  addParts();
  addArrows();
  addTurbines();
  addFigures();
  showLayers();
  adding = false;
  map.triggerRepaint(); // which tells of what was drawn
}

/** Say that roofs are on their way, until all is drawn; not for ever. */
function tellLoading() {
  clearTimeout(timer);
  failures = [];
  showFailure(null);
  say(byId("loading"), () => (current.name ? t("loading") : ""));
  timer = setTimeout(() => {
    say(byId("loading"));
    if (current.name) showFailure("no_tiles");
  }, PATIENCE_MS);
}

/** All was drawn that came: say whether something is missing in what is seen. */
function tellLoaded() {
  if (adding) return;
  clearTimeout(timer);
  say(byId("loading"));
  failures = failures.filter(({ tile }) => !tile || (tile.state === "errored" && tile.uses > 0));
  const ranges = failures.some(({ error }) => error.name === "NoRanges");
  const key = failures.length ? (ranges ? "no_ranges" : "no_tiles") : null;
  if (key !== failure) showFailure(key);
}

/** Say what is missing, and offer to fetch it again. */
function showFailure(key) {
  failure = key;
  const again = key && make("button", { type: "button", "data-testid": "again", onclick: fetchAgain }, t("again"));
  byId("lost").replaceChildren(...(key ? [t(key), again] : []));
}

async function fetchAgain() {
  map.getCanvas().focus();
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
    const source = map.getSource(layer);
    if (still) source?.setUrl(archive(collection, layer));
    else source?.setTiles([tileAddress(collection, layer)]);
  }
}

function addPictures() {
  const relief = { "raster-opacity": map.getLayer("basemap") ? 0.45 : 0.6, "raster-fade-duration": 0 };
  const above = { "raster-opacity": 0.85, "raster-fade-duration": 0 };
  for (const layer of layersOf(current).filter((one) => !isFigure(one))) {
    const paint = isGround(layer) ? relief : above;
    if (map.getSource(layer.name)) map.addLayer({ id: layer.name, type: "raster", source: layer.name, paint }, "area-fill");
  }
  if (map.getSource("roofs")) {
    const paint = { "raster-resampling": "nearest", "raster-fade-duration": 0 };
    map.addLayer(
      { id: "roofs", type: "raster", source: "roofs", maxzoom: outlinesFrom(current), paint }, "area-edge",
    );
  }
}

/** The zoom from which roofs have outlines, before which there is a picture of their classes. */
const outlinesFrom = ({ outlines = DETAIL_ZOOM }) => outlines;

/** Whether a layer is a picture of figures, in the colours of a palette. */
const isFigure = ({ drawn }) => drawn.kind === "palette";

/** Pictures of figures above the roofs and their parts, which would hide them, and below the lines of classes. */
function addFigures() {
  const above = ["roofs-class", "roofs-aside", "area-edge"].find((id) => map.getLayer(id));
  const paint = { "raster-resampling": "nearest", "raster-fade-duration": 0 };
  for (const { name } of layersOf(current).filter(isFigure)) {
    if (map.getSource(name)) map.addLayer({ id: name, type: "raster", source: name, paint }, above);
  }
}

function addRoofs() {
  if (!map.getSource("buildings")) return;
  const shared = { source: "buildings", "source-layer": "buildings", minzoom: outlinesFrom(current) };
  const judged = ["has", "class"];
  const layers = [
    { id: "roofs-hatch", type: "fill", filter: ["!", judged], paint: { "fill-pattern": "hatch" } },
    { id: "roofs-flat", type: "fill", filter: judged, paint: { "fill-color": fill(), "fill-opacity": 0.92 } },
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
    {
      id: "roofs-chosen", type: "line", filter: ["==", ["id"], -1],
      paint: { "line-color": CHOSEN, "line-width": 4 },
    },
  ];
  for (const layer of layers) map.addLayer({ ...shared, ...layer }, "area-edge");
  map.addLayer(solidLayer(map, "roofs-solid", PARTS_ZOOM), "roofs-chosen");
}

/** Whether buildings are shown in 3D: from the zoom of their parts on, and not on a telephone. */
function isTall() {
  return now().tall && map.getZoom() >= PARTS_ZOOM && !matchMedia(PHONE).matches;
}

/** Show what is in view in 3D as the state says. */
function showSolids() {
  if (!map.getLayer("roofs-solid")) return;
  if (!isTall()) return lower();
  const { colour, sun, hidden, roof, lang } = now();
  const name = JSON.stringify([current.name, tiles, whereNow(), map.getCanvas().clientWidth, colour, sun, hidden, roof, lang]);
  raise(name, solidFeatures, { roof: roofColour, part: solidPartColour, wall: (row) => (row === now().roof ? CHOSEN : null) });
}

/** What solids are made of: buildings, and the parts of the kind that has a place in space. */
function solidFeatures() {
  const all = (name) => (map.getSource(name) ? map.querySourceFeatures(name, { sourceLayer: name }) : []);
  const [[kind, fields] = []] = Object.entries(methodOf(current).own.solid ?? {});
  return { buildings: all("buildings"), parts: kind && showsParts(kind) ? all(kind) : [], fields };
}

function solidPartColour(part) {
  if (part.selected === false) return UNSELECTED;
  const column = methodOf(current).parts.find(({ name }) => name in methodOf(current).own.solid);
  return colourOf(column, part, current.method) ?? BARE;
}

function roofColour(roof) {
  if (!roof.class) return null;
  if (roof.selected === false) return UNSELECTED;
  const method = methodOf(current);
  const own = method.own.colouring?.(current);
  return own ? own.colourOf(roof) : colourOfRoof(method, roof, current.method) ?? BARE;
}

/** An arrow on each part that faces some way, for maps that show it flat. */
function addArrows() {
  for (const [name, { azimuth }] of Object.entries(methodOf(current).own.solid ?? {})) {
    if (!map.getSource(name)) continue;
    const layout = {
      "icon-image": "arrow", "icon-rotate": ["get", azimuth], "icon-rotation-alignment": "map", "icon-pitch-alignment": "map",
      "icon-size": ["interpolate", ["linear"], ["zoom"], ARROWS_ZOOM, 0.5, 20, 1.2], "icon-padding": 0,
    };
    const filter = ["all", ["has", azimuth], ["!=", ["get", "selected"], false]];
    map.addLayer({ id: `${name}-arrow`, type: "symbol", source: name, "source-layer": name, minzoom: ARROWS_ZOOM, filter, layout }, "area-edge");
  }
}

/** The parts of roofs in their colours, above the roofs and below what is said of these by lines. */
function addParts() {
  const parts = methodOf(current).parts.filter(({ name }) => map.getSource(name));
  for (const column of parts) {
    const counted = ["!=", ["get", "selected"], false];
    const shared = { source: column.name, "source-layer": column.name, minzoom: PARTS_ZOOM, filter: counted };
    const paint = { "fill-color": partColour(column) };
    const line = { "line-color": INK, "line-width": 0.7, "line-opacity": 0.8 };
    map.addLayer({ ...shared, id: `${column.name}-fill`, type: "fill", paint }, "roofs-aside");
    map.addLayer({ ...shared, id: `${column.name}-edge`, type: "line", paint: line }, "roofs-aside");
    const chosen = { "line-color": CHOSEN, "line-width": 4 };
    map.addLayer({ ...shared, id: `${column.name}-chosen`, type: "line", filter: NONE, paint: chosen }, "roofs-chosen");
  }
  if (!parts.length || !map.getLayer("roofs-flat")) return;
  const roofs = { source: "buildings", "source-layer": "buildings", minzoom: PARTS_ZOOM, filter: ["has", "class"] };
  const line = { "line-color": classColour(), "line-width": 2 };
  map.addLayer({ ...roofs, id: "roofs-class", type: "line", paint: line }, "roofs-aside");
}

/** A symbol on each roof that suits a turbine, or may, in the colour of what that would give, unless
 * a restriction sets it aside. */
function addTurbines() {
  const wind = windOf(current);
  if (!wind || !map.getSource("buildings")) return;
  const counted = ["all", wind.scale ? ["has", wind.scale.column] : ["==", ["get", wind.suits], true], ["!=", ["get", "selected"], false], ["!", ["in", ["get", "excluded"], ["literal", ["wind", "both"]]]]];
  const layout = {
    "icon-image": turbineImage(wind.scale), "icon-allow-overlap": true, "icon-ignore-placement": true,
    "icon-size": ["interpolate", ["linear"], ["zoom"], DETAIL_ZOOM, 0.45, 18, 1],
  };
  map.addLayer({ id: "roofs-wind", type: "symbol", source: "buildings", "source-layer": "buildings", minzoom: DETAIL_ZOOM, filter: counted, layout }, "area-edge");
}

/** The image of a turbine, by the steps of its yield where there are such. */
function turbineImage(scale) {
  const image = (colour) => {
    const name = `${WIND} ${colour}`;
    if (!map.hasImage(name)) map.addImage(name, dots(turbineSymbol(colour), 44), { pixelRatio: 2 });
    return name;
  };
  if (!scale) return image("#ffffff");
  const [least, ...others] = scale.colours.map(image);
  return ["step", ["to-number", ["get", scale.column], 0], least, ...scale.edges.flatMap((edge, at) => [edge, others[at]])];
}

/** By which column of booleans roofs of a collection suit a turbine, and the steps by which its
 * symbol is coloured: {suits, scale: {column, unit, colours, edges}, or null}; null without one. */
export function windOf(collection) {
  const { uses = {}, columns } = methodOf(collection);
  const suits = Object.keys(uses).find((name) => uses[name] === "wind");
  const by = columns.find(({ symbols }) => symbols);
  return suits ? { suits, scale: by ? { column: by.name, unit: by.unit, ...by.symbols } : null } : null;
}

/** The parts of a kind that a roof has in the tiles that are there: features, each of all its pieces. */
export function partsInTiles(name, row) {
  if (!map.getSource?.(name)) return [];
  const parts = new Map();
  for (const { id, properties, geometry } of map.querySourceFeatures(name, { sourceLayer: name, filter: ["==", ["get", "row"], row] })) {
    const pieces = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    const before = parts.get(id)?.geometry.coordinates ?? [];
    parts.set(id, { properties, geometry: { type: "MultiPolygon", coordinates: [...before, ...pieces] } });
  }
  return [...parts].sort(([one], [other]) => one - other).map(([, part]) => part);
}

/** The parts of roofs that are drawn at a place on the screen: [{name of their kind, properties}, ...]. */
export function partsAt(place) {
  if (!hasMap()) return [];
  const layers = methodOf(current).parts.map(({ name }) => `${name}-fill`).filter((id) => map.getLayer(id));
  return map.queryRenderedFeatures(place, { layers }).map(({ source, properties }) => ({ name: source, properties }));
}

/** Highlight the parts of a roof with a number, null for none. */
export function choosePart(row, part) {
  if (!map.getLayer("roofs-chosen")) return;
  map.setPaintProperty("roofs-chosen", "line-width", part === null ? 4 : 2); // the part stands out
  for (const { name, fields } of methodOf(current).parts) {
    const it = part === null ? NONE : ["all", ["==", ["get", "row"], row], ["==", ["get", fields[0].name], part]];
    if (map.getLayer(`${name}-chosen`)) map.setFilter(`${name}-chosen`, it);
  }
}

/** Whether a kind of parts of roofs is drawn now. */
export function drawsParts(name) {
  return hasMap() && map.getZoom() >= PARTS_ZOOM && showsParts(name);
}

/** Whether a kind of parts of roofs is shown from the zoom on at which they are drawn. */
function showsParts(name) {
  return !now().hidden.includes(name);
}

/** The colour of a part; of one without a number where a scale is chosen that of a roof below. */
const partColour = (column) => colourExpression(column, current.method, scaleOf(column) ? BARE : UNSELECTED);

/** The scale that the reader chose among those of the collection, or null. */
export function chosenScale(collection) {
  return methodOf(collection).parts.map(scaleOf).find(Boolean) ?? null;
}

/** The parts of a collection by whose verdict its roofs are coloured, or undefined. */
export function verdictOf(collection) {
  return methodOf(collection).parts.find(({ verdict }) => verdict);
}

/** A roof's colour: by its method's own choice, such as a time, by the scale that is chosen, by
 * whether it suits as its parts do, else by its class; grey outside the selection. */
function fill() {
  const own = methodOf(current).own.colouring?.(current);
  if (own) return ["step", ["zoom"], classColour(), DETAIL_ZOOM, ifSelected(own.expression)]; // far tiles lack its columns
  const scale = chosenScale(current);
  if (scale) return ifSelected(scaleExpression(scale, scale.of_building, scale.spread_of_building, current.method.parameters, BARE));
  const column = verdictOf(current);
  return column ? ifSelected(verdictExpression(column, "of_building", current.method)) : classColour();
}

/** A roof's colour by its class; grey outside the selection. */
function classColour() {
  const { classes } = methodOf(current);
  if (!classes.length) return UNSELECTED;
  return ifSelected(["match", ["get", "class"], ...classes.flatMap((one) => [one.name, one.colour]), UNSELECTED]);
}

const ifSelected = (colour) => ["case", ["==", ["get", "selected"], false], UNSELECTED, colour];

/** The same, but of none of the classes where parts are drawn over it: a line says the class there. */
const fillBelow = () => ["step", ["zoom"], fill(), PARTS_ZOOM, ifSelected(BARE)];

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

/** Switch the layers as the state says. */
function showLayers() {
  const { shown: switched, hidden, tall, marks } = now();
  const solid = tall && !matchMedia(PHONE).matches;
  const shown = { "roofs-tall": solid };
  for (const layer of switchable(current)) shown[layer.name] = switched.includes(layer.name);
  const ofParts = methodOf(current).parts.map(({ name }) => name);
  for (const name of ofParts) {
    for (const part of ["fill", "edge", "chosen"]) shown[`${name}-${part}`] = showsParts(name);
    shown[`${name}-arrow`] = !solid && showsParts(name);
  }
  shown["roofs-class"] = methodOf(current).parts.some((column) => !column.verdict && inShades(column) && !hidden.includes(column.name));
  shown["roofs-wind"] = !solid && !hidden.includes(WIND);
  paintRoofs(ofParts.some((name) => shown[`${name}-fill`]));
  for (const id of ["marks-edge", "marks-points"]) shown[id] = marks;
  for (const [id, visible] of Object.entries(shown)) {
    if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", visible ? "visible" : "none");
  }
}

/** Colour roofs and their parts as is chosen; below: whether parts are drawn over roofs. */
function paintRoofs(below) {
  for (const column of methodOf(current).parts) {
    if (map.getLayer(`${column.name}-fill`)) map.setPaintProperty(`${column.name}-fill`, "fill-color", partColour(column));
  }
  if (!map.getLayer("roofs-flat")) return;
  map.setPaintProperty("roofs-flat", "fill-color", below ? fillBelow() : fill());
}

/** Put features into one of the page's own sources: "area", "draft", "marks" or "marks-points". */
export function put(source, features) {
  map.getSource(source)?.setData({ type: "FeatureCollection", features });
}

/** Highlight a roof by its row; null for none. */
export function choose(row) {
  const it = ["==", ["id"], row ?? -1];
  if (!map.getLayer("roofs-chosen")) return;
  map.setFilter("roofs-chosen", it);
  choosePart(row, now().part);
}

/** The roofs that stand on the screen, each once, as features. */
export function roofsInView(place = undefined) {
  const layers = ["roofs-flat", "roofs-hatch", "roofs-tall"].filter((id) => map.getLayer(id));
  const roofs = new Map();
  for (const feature of map.queryRenderedFeatures(place, { layers })) {
    if (!roofs.has(feature.id)) roofs.set(feature.id, feature);
  }
  return [...roofs.values()];
}

/** The kinds of marks that are seen. */
export function kindsInView() {
  if (!map.getLayer("marks-points")) return [];
  const kinds = map.queryRenderedFeatures({ layers: ["marks-points"] }).map(({ properties }) => properties.kind);
  return Object.keys(MARKS).filter((kind) => kinds.includes(kind));
}

/** Whether roofs have outlines, each in its colour; a picture of classes stands for them before. */
export function outlined(collection) {
  return map.getZoom() >= outlinesFrom(collection);
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
  const padding = { top: 40, right: 55, bottom: 40, left: 40 }; // beside that of the map
  map.fitBounds([[west, south], [east, north]], { padding, maxZoom: 17, duration: 700, ...options });
}

/** Have the map's middle, to which it zooms and around which it turns, in the middle of what is
 * seen, whenever legend, sources or the sheet of a telephone cover more or less of it. */
function keepClear() {
  const sized = new ResizeObserver(clear);
  for (const id of ["map", "panel", "legend", "attribution"]) sized.observe(byId(id));
}

function clear() {
  byId("stage").style.setProperty("--foot", `${byId("attribution").offsetHeight}px`);
  map.setPadding(coveredEdges());
}

/** How much of each edge of the map is covered: by the sources, with the sheet below them, and by
 * a legend that leaves the larger half of the map beside it [px]. */
function coveredEdges() {
  const [box, sources, legend] = ["map", "attribution", "legend"].map((id) => byId(id).getBoundingClientRect());
  const beside = legend.right - box.left;
  const left = byId("legend").open && beside < box.width / 2 ? Math.max(beside, 0) : 0;
  return { top: 0, right: 0, bottom: box.bottom - sources.top, left };
}

/** What of the map is seen: {left, top, right, bottom} within it [px]. */
function clearing() {
  const { left, bottom } = map.getPadding();
  const { clientWidth, clientHeight } = map.getContainer();
  return { left, top: 0, right: clientWidth, bottom: clientHeight - bottom };
}

/** Whether anything of [west, south, east, north] is seen; without a map it is. */
export function sees(box) {
  if (!hasMap()) return true;
  const { left, top, right, bottom } = clearing();
  const corners = [[left, top], [right, top], [right, bottom], [left, bottom]].map((at) => map.unproject(at));
  const [lon, lat] = [corners.map(({ lng }) => lng), corners.map((each) => each.lat)];
  return boxesMeet(box, [Math.min(...lon), Math.min(...lat), Math.max(...lon), Math.max(...lat)]);
}

/** Move a place from under the sheet to the middle of what is seen. */
export function uncover(place) {
  clear(); // the sheet may have come up just now
  if (map.project(place).y > clearing().bottom - 20) map.easeTo({ center: place, duration: 400 });
}
