/** The same as the service offers, of files alone: for a page that stands on a plain web host. */

import { circleRing, inRing, metresBetween } from "./shapes.js";

const CLASSES = ["solar", "wind_or_solar", "none"];

async function file(path) {
  const answer = await fetch(new URL(path, document.baseURI));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** Only once, whoever asks how often. */
function once(read) {
  let promise = null;
  return () => (promise ??= read().catch((error) => { promise = null; throw error; }));
}

/**
 * What `api.server` is, of the files that an export holds.
 * @param {Object} config the page's configuration; of a collection: `totals`, the file of roofs as
 *   [lon, lat, class, area, solar_suitable, panel_area, solar_kwh, wind_candidate, wind_shadowed,
 *   wind_suitable, wind_kwh, excluded, lit_area, one_cell], class -1 or null where it was not judged;
 *   and `ground`, what was computed as a geometry, null where nobody knows; `coverage`, the shares of
 *   footprints and ground that the inputs cover. A place says its own, and if it is `complete`.
 */
export function still(config) {
  const rows = Object.fromEntries(
    config.collections.map((one) => [one.name, once(() => file(one.totals))]),
  );
  const outlines = once(async () => (config.places ? file(config.places) : { features: [] }));
  return {
    async summary(collection, area, households) {
      const one = config.collections.find((each) => each.name === collection);
      const holds = await within(area, outlines);
      const counted = (await rows[collection]()).filter(([lon, lat]) => holds([lon, lat]));
      const use = one.method?.parameters?.household_kwh ?? null;
      return { collection, totals: totals(counted, use, households), complete: await complete(one, area, outlines), coverage: await coverage(one, area, outlines) };
    },
    async places(text) {
      const wanted = text.trim().toLowerCase();
      const features = (await outlines()).features.filter(({ properties }) =>
        `${properties.code} ${properties.name}`.toLowerCase().includes(wanted),
      );
      return { type: "FeatureCollection", features: features.slice(0, 10) };
    },
    async place(code) {
      const found = (await outlines()).features.find((one) => one.properties.code === code);
      if (!found) throw new Error(code);
      return found;
    },
    roof: null, roofById: null, roofs: null, compute: null, marks: null,
  };
}

/** A function that says whether a point lies in the area. */
async function within(area, outlines) {
  if (!area) return () => true;
  if (area.kind === "circle") return (point) => metresBetween(area.centre, point) <= area.radius;
  if (area.kind === "polygon") return (point) => inRing(area.ring, point);
  const found = (await outlines()).features.find((one) => one.properties.code === area.code);
  return inside(found?.geometry);
}

/** A function that says whether a point lies in a geometry of GeoJSON; in none nothing does. */
function inside(geometry) {
  const { type, coordinates } = geometry ?? { type: "Polygon", coordinates: [] };
  const polygons = type === "Polygon" ? [coordinates] : coordinates;
  // A point is in if it lies in an odd number of the rings: in the shell, in no hole.
  return (point) =>
    polygons.some((rings) => rings.filter((ring) => inRing(ring, point)).length % 2 === 1);
}

/** Which part the inputs cover: of all and of a place as the export says it, else nobody knows. */
async function coverage(one, area, outlines) {
  if (!area) return one.coverage ?? null;
  if (area.kind !== "place") return null;
  return (await outlines()).features.find(({ properties }) => properties.code === area.code)?.properties.coverage ?? null;
}

/** Whether all of an area was computed, by its corners. */
async function complete(one, area, outlines) {
  if (!area) return true;
  if (area.kind === "place") {
    return (await outlines()).features.find(({ properties }) => properties.code === area.code)?.properties.complete ?? false;
  }
  return (area.kind === "circle" ? circleRing(area.centre, area.radius) : area.ring).every(inside(one.ground));
}

/** The sums that the service's report has, by the same rules. */
export function totals(rows, householdKwh, households) {
  const counts = {
    selected: rows.length, judged: 0, rejected: 0, solar_suitable: 0, wind_candidates: 0,
    wind_shadowed: 0, wind_suitable: 0, class: { solar: 0, wind_or_solar: 0, none: 0 },
    excluded: { solar: 0, wind: 0, both: 0 },
    legend: { solar: 0, wind_or_solar: 0, none: 0, set_aside: 0 },
    one_cell: { solar: 0, wind_or_solar: 0, none: 0, set_aside: 0 },
  };
  const area = { roof: 0, suitable_roof: 0, panel: 0, lit_roof: 0 };
  const kwh = { solar: 0, wind: 0, total: 0 };
  for (const row of rows) add(row, counts, area, kwh);
  kwh.total = kwh.solar + kwh.wind;
  for (const name of Object.keys(area)) area[name] /= 10_000;
  const served = {};
  if (householdKwh) {
    for (const name of Object.keys(kwh)) served[name] = kwh[name] / householdKwh;
    if (households) Object.assign(served, { number: households, share: served.total / households });
  }
  return { counts, area_ha: area, kwh, households: served };
}

function add(row, counts, area, kwh) {
  const [, , kind, size, solar, panel, solarKwh, candidate, shadowed, wind, windKwh, excluded, lit, small] = row;
  const out = (use) => excluded === use || excluded === "both";
  if (excluded) counts.excluded[excluded] += 1;
  if (kind === null || kind < 0) {
    counts.rejected += 1;
    return;
  }
  counts.judged += 1;
  counts.class[CLASSES[kind]] += 1;
  area.roof += size;
  area.lit_roof += lit;
  counts.wind_candidates += candidate ? 1 : 0;
  counts.wind_shadowed += shadowed ? 1 : 0;
  const [sunny, windy] = [solar && !out("solar"), wind && !out("wind")];
  const line = windy ? "wind_or_solar" : sunny ? "solar" : CLASSES[kind] === "none" ? "none" : "set_aside";
  counts.legend[line] += 1;
  counts.one_cell[line] += small;
  if (sunny) {
    counts.solar_suitable += 1;
    area.suitable_roof += size;
    area.panel += panel;
    kwh.solar += solarKwh;
  }
  if (windy) {
    counts.wind_suitable += 1;
    kwh.wind += windKwh;
  }
}

