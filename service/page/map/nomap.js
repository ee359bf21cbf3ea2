/** What stands in for the map where the browser has no WebGL: nothing is drawn, all else works. */

/** A map of [west, south, east, north] that answers what is asked of it and shows nothing. */
export function noMap([west, south, east, north], container) {
  const canvas = document.createElement("canvas");
  const bounds = {
    getWest: () => west, getSouth: () => south, getEast: () => east, getNorth: () => north,
    contains: ([lon, lat]) => lon >= west && lon <= east && lat >= south && lat <= north,
  };
  const known = {
    getCanvas: () => canvas,
    getContainer: () => container,
    getBounds: () => bounds,
    getCenter: () => ({ lng: (west + east) / 2, lat: (south + north) / 2 }),
    getZoom: () => 0,
    loaded: () => true,
    once: (event, done) => done(),
    queryRenderedFeatures: () => [],
  };
  return new Proxy(known, { get: (_, name) => known[name] ?? (() => undefined) });
}
