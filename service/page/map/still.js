/** The same as the service offers, of files alone: for a page that stands on a plain web host. */

import { methodOf } from "./methods.js";
import { roofsInTilesOf } from "./elsewhere.js";
import { stillAddresses } from "./still-addresses.js";
import { circleRing, inPolygons, inRing, metresBetween } from "./shapes.js";
import { folded, similarity } from "./typed-address.js";

const LEAST = 0.6; // similarity of a misspelt name
const MOST_PLACES = 10;

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
 *   pipeline/output/site/rows.py writes it; `ground`, what was computed as a geometry, null where
 *   nobody knows; `coverage`, the shares of footprints and ground that the inputs cover. A place
 *   says by the name of each collection its own, and if it is `complete`.
 */
export function still(config) {
  const rows = Object.fromEntries(
    config.collections.map((one) => [one.name, once(() => file(one.totals))]),
  );
  const outlines = once(async () => (config.places ? file(config.places) : { features: [] }));
  const placeOf = async (code) => (await outlines()).features.find(({ properties }) => properties.code === code);
  const named = (collection) => config.collections.find(({ name }) => name === collection);
  const addresses = config.addresses ? stillAddresses(config.addresses, file) : {};
  return {
    async summary(collection, area, households) {
      const one = named(collection);
      const place = area?.kind === "place" ? await placeOf(area.code) : null;
      const holds = within(area, place);
      const counted = (await rows[collection]()).filter(([lon, lat], at) => !at || holds([lon, lat]));
      const sums = totals(counted, methodOf(one), one.method.parameters, households);
      return { collection, method: one.method, totals: sums, complete: complete(one, area, place), coverage: coverage(one, area, place) };
    },
    async places(text) {
      return regionsNamed(text, (await outlines()).features);
    },
    addresses: addresses.find ?? null,
    addressesOf: addresses.ofRoof ?? null,
    async place(code) {
      const place = await placeOf(code);
      if (!place) throw new Error(code);
      return place;
    },
    roofsById(collection, id) {
      return roofsInTilesOf(named(collection), id);
    },
    roof: null, parts: null, roofs: null, compute: null, marks: null,
  };
}

/** The regions with a text in code or name, those first that are called so; else what is similar. */
function regionsNamed(text, regions) {
  const key = folded(text);
  const namesOf = ({ properties: { code, name, others = [] } }) => [code, name, ...others].map(folded);
  const exact = regions.filter((one) => namesOf(one).includes(key));
  const others = regions.filter((one) => !exact.includes(one) && namesOf(one).some((name) => name.includes(key)));
  const literal = [...exact, ...others];
  const like = (one) => namesOf(one).some((name) => similarity(name, key) >= LEAST);
  const features = (literal.length ? literal : regions.filter(like)).slice(0, MOST_PLACES);
  return { type: "FeatureCollection", features, exact: exact.length, similar: !literal.length && features.length > 0 };
}

/** A function that says whether a point lies in the area. */
function within(area, place) {
  if (!area) return () => true;
  if (area.kind === "circle") return (point) => metresBetween(area.centre, point) <= area.radius;
  if (area.kind === "polygon") return (point) => inRing(area.ring, point);
  return (point) => inPolygons(place?.geometry, point);
}

/** Which part the inputs cover: of all and of a place as the export says it, else nobody knows. */
function coverage(one, area, place) {
  return (area ? place?.properties.coverage[one.name] : one.coverage) ?? null;
}

/** Whether all of an area was computed, by its corners. */
function complete(one, area, place) {
  if (!area) return true;
  if (area.kind === "place") return place?.properties.complete[one.name] ?? false;
  return (area.kind === "circle" ? circleRing(area.centre, area.radius) : area.ring).every((point) => inPolygons(one.ground, point));
}

/**
 * The sections of the service's report that are sums, by the same rules (pipeline/results/totals.py).
 * @param {Array[]} rows of the file of roofs, its names first
 * @param {Object} method as it is declared
 */
export function totals([names, ...rows], method, parameters, households) {
  const at = Object.fromEntries(names.map((name, place) => [name, place]));
  const lines = [...method.classes.map(({ name }) => name), "set_aside"];
  const groups = { class: lines.slice(0, -1), excluded: method.excluded, legend: lines };
  for (const flag of method.counted) groups[flag] = lines;
  const counts = { selected: rows.length, judged: 0, rejected: 0, ...mapped(groups, (keys) => zeros(keys)) };
  const sums = method.totals.map(() => ({ sum: 0, weight: 0, squares: 0 }));
  for (const row of rows) {
    const roof = (name) => row[at[name]];
    count(roof, method, counts);
    if (roof("class") !== null) method.totals.forEach((total, place) => add(roof, method, total, sums[place]));
  }
  const sections = { counts };
  method.totals.forEach((total, place) => {
    (sections[total.section] ??= {})[total.key] = figure(total, sums[place]);
    if (total.error) ((sections.errors ??= {})[total.section] ??= {})[total.key] = Math.sqrt(sums[place].squares) / total.per;
  });
  return { ...sections, ...method.own.derived?.(sections, parameters, households) };
}

const zeros = (keys) => Object.fromEntries(keys.map((key) => [key, 0]));
const mapped = (object, act) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, act(value)]));

/** Whether a column of a roof is true, and no restriction sets the roof aside from its use. */
function counting(roof, { uses }, name) {
  const aside = uses[name] && [uses[name], "both"].includes(roof("excluded"));
  return Boolean(roof(name)) && !aside;
}

/** Count a roof by class, restriction and line of the legend. */
function count(roof, method, counts) {
  const excluded = roof("excluded");
  if (excluded) counts.excluded[excluded] += 1;
  if (roof("class") === null) {
    counts.rejected += 1;
    return;
  }
  const { name } = method.classes[roof("class")];
  const mine = (one) => (one.suits ? counting(roof, method, one.suits) : one.name === name);
  const line = method.classes.findLast(mine)?.name ?? "set_aside";
  counts.judged += 1;
  counts.class[name] += 1;
  counts.legend[line] += 1;
  for (const flag of method.counted) counts[flag][line] += roof(flag);
}

/** Add a judged roof to a sum. */
function add(roof, method, { column, section, weight, where, error }, to) {
  if (where && !counting(roof, method, where)) return;
  if (error) to.squares += (roof(column) * roof(error)) ** 2;
  if (section === "counts") to.sum += counting(roof, method, column) ? 1 : 0;
  else if (!weight) to.sum += roof(column) ?? 0;
  else if (roof(column) !== null) {
    to.sum += roof(column) * roof(weight);
    to.weight += roof(weight);
  }
}

/** A sum in the unit of the report, or a mean; null for a mean of nothing. */
function figure({ per, weight }, { sum, weight: all }) {
  if (!weight) return sum / per;
  return all ? sum / all / per : null;
}
