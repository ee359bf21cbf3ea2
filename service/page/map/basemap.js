/** The base map below the roofs, and its names above them: pictures of another service, or a file of
 * PMTiles of the operator's own with the layers that Protomaps gives them. */

import { lang } from "./texts.js";

const FONT = "Noto Sans"; // drawn by the browser from a file beside the page
const [WATER, GREEN, ROAD, CASING, NAMES, WET] = ["#d3e2ea", "#e4ebdc", "#ffffff", "#d9d5cb", "#3e4c59", "#2f5d7c"];
const QUIET = { "raster-saturation": -0.7, "raster-contrast": -0.1, "raster-opacity": 0.75 };
const WIDTHS = ["interpolate", ["exponential", 1.5], ["zoom"], 10, 0.4, 14, 2, 18, 14];
const CASINGS = ["interpolate", ["exponential", 1.5], ["zoom"], 10, 0.8, 14, 3.4, 18, 17];
const TRAFFIC = ["match", ["get", "kind"], ["rail", "ferry", "path"], false, true];

/** Whether a base map has names that the browser draws. */
export const isNamed = (basemap) => Boolean(basemap?.pmtiles);

/** The fonts of a style, or none. */
export function fontsOf(basemap) {
  const file = (name) => new URL(`vendor/${name}`, document.baseURI).href;
  if (!isNamed(basemap)) return {};
  return { "font-faces": { [FONT]: [{ url: file("names-ext.woff2"), "unicode-range": ["U+0100-02FF"] }, { url: file("names.woff2"), "unicode-range": ["U+0000-00FF", "U+2000-206F"] }] } };
}

/** The source of a base map, by the name that all its layers use. */
export function sourcesOf(basemap) {
  if (!basemap) return {};
  if (isNamed(basemap)) return { basemap: { type: "vector", url: `pmtiles://${new URL(basemap.pmtiles, document.baseURI).href}` } };
  return { basemap: { type: "raster", tiles: [basemap.url], tileSize: 256, maxzoom: basemap.maxzoom ?? 19 } };
}

/** Its layers that lie below all else, the lowest first. */
export function groundOf(basemap) {
  if (!basemap) return [];
  if (!isNamed(basemap)) return [{ id: "basemap", type: "raster", source: "basemap", paint: QUIET }];
  const layer = (id, of, more) => ({ id, source: "basemap", "source-layer": of, ...more });
  const area = ["==", ["geometry-type"], "Polygon"];
  const line = { "line-cap": "round", "line-join": "round" };
  const green = ["match", ["get", "kind"], ["park", "forest", "wood", "grass", "nature_reserve", "meadow", "cemetery", "scrub"], true, false];
  return [
    layer("basemap", "landuse", { type: "fill", filter: green, paint: { "fill-color": GREEN } }),
    layer("basemap-water", "water", { type: "fill", filter: area, paint: { "fill-color": WATER } }),
    layer("basemap-stream", "water", { type: "line", filter: ["!", area], paint: { "line-color": WATER, "line-width": 1.5 } }),
    layer("basemap-casing", "roads", { type: "line", filter: TRAFFIC, layout: line, paint: { "line-color": CASING, "line-width": CASINGS } }),
    layer("basemap-roads", "roads", { type: "line", filter: TRAFFIC, layout: line, paint: { "line-color": ROAD, "line-width": WIDTHS } }),
  ];
}

/** The layers of its names, which lie above the roofs. */
export function namesOf(basemap) {
  if (!isNamed(basemap)) return [];
  const text = ["coalesce", ["get", `name:${lang()}`], ["get", "name"]];
  const name = (id, of, filter, layout, colour, minzoom) => ({
    id, type: "symbol", source: "basemap", "source-layer": of, filter, minzoom,
    layout: { "text-field": text, "text-font": [FONT], ...layout },
    paint: { "text-color": colour, "text-halo-color": "rgb(255 255 255 / 92%)", "text-halo-width": 1.6 },
  });
  const along = { "symbol-placement": "line", "symbol-spacing": 300, "text-max-angle": 35 };
  const size = (...stops) => ["interpolate", ["linear"], ["zoom"], ...stops];
  return [
    name("names-streets", "roads", ["has", "name"], { ...along, "text-size": size(14, 10, 18, 14) }, NAMES, 14),
    name("names-water", "water", ["has", "name"], { "text-size": size(12, 10, 17, 13), "text-max-width": 7 }, WET, 12),
    name("names-places", "places", ["match", ["get", "kind"], ["locality", "neighbourhood", "macrohood"], true, false], { "text-size": size(8, 11, 15, 15) }, NAMES, 6),
  ];
}
