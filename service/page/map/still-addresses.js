/** Addresses of files alone, for a page on a plain web host: an index of streets, and a file for each
 * place, which is fetched when an address of it is asked for (pipeline/output/site/addresses.py). */

import { addressText } from "./addresses.js";
import { boundsOf, boxesMeet } from "./shapes.js";
import { folded, readings, similarity } from "./typed-address.js";

const MOST = 12;
const LEAST = 0.6; // similarity of a misspelt name
const MOST_PLACES = 6; // of which files are fetched for one text
const BESIDE = 0.002; // degrees: as far from its point a roof may lie

/**
 * Functions that find addresses as the service does: find(text, [lon, lat]) gives features,
 * ofRoof(roof, collection) those of a roof as texts.
 * @param {string} path of the index
 * @param {function(string): Promise<Object>} file reads one beside the page
 */
export function stillAddresses(path, file) {
  const folder = path.replace(/[^/]*$/, "");
  const files = new Map();
  const fetched = (name) => {
    if (!files.has(name)) files.set(name, file(`${folder}${name}`).catch((problem) => { files.delete(name); throw problem; }));
    return files.get(name);
  };
  return {
    async find(text, near) {
      const { places, runs } = await fetched("places.json");
      const from = byDistance(places, near);
      const ways = readings(text);
      for (const streetsOf of [literal, similar]) {
        const found = (await Promise.all(ways.map((way) => matches(way, from, streetsOf, fetched)))).flat();
        if (found.length) return { type: "FeatureCollection", features: unique(found).slice(0, MOST).map((one) => byRun(one, runs)) };
      }
      return { type: "FeatureCollection", features: [] };
    },
    async ofRoof({ row, geometry }, collection) {
      const { places, runs } = await fetched("places.json");
      const [west, south, east, north] = boundsOf(geometry);
      const around = [west - BESIDE, south - BESIDE, east + BESIDE, north + BESIDE];
      const run = runs.indexOf(collection);
      for (const { name, file: of } of byDistance(places.filter(({ bbox }) => bbox && boxesMeet(bbox, around)), [west, south])) {
        const mine = (await fetched(of)).map((one) => ofRow(one, name)).filter(({ properties }) => properties.rows[run].includes(row));
        if (mine.length) return mine.map(addressText);
      }
      return [];
    },
  };
}

/** An address with the rows of its roofs by the name of each run; all else as it is. */
function byRun(feature, runs) {
  const { rows } = feature.properties;
  if (!rows) return feature;
  return { ...feature, properties: { ...feature.properties, rows: Object.fromEntries(runs.map((run, at) => [run, rows[at]])) } };
}

const byDistance = (places, [lon, lat]) => {
  const away = ([west, south, east, north]) => Math.hypot(0.6 * ((west + east) / 2 - lon), (south + north) / 2 - lat);
  const distance = ({ bbox }) => (bbox ? away(bbox) : Infinity);
  return places.toSorted((one, other) => distance(one) - distance(other));
};

const ORDER = ["exact", "start", "similar"];

function unique(features) {
  const sorted = features.toSorted((one, other) => ORDER.indexOf(one.properties.match) - ORDER.indexOf(other.properties.match));
  return [...new Map(sorted.toReversed().map((one) => [JSON.stringify([one.properties.kind, one.properties.name, one.properties.place]), one])).values()].reverse();
}

/** What a way to read a text finds. streetsOf: gives the streets of a place and how they match. */
async function matches(way, places, streetsOf, fetched) {
  if (!way.words.length || (way.postcode && !way.number)) return way.postcode ? byPostcode(way, places, fetched) : [];
  const there = places.map((place) => [place, streetsOf(way, place)]).filter(([, streets]) => streets.size).slice(0, MOST_PLACES);
  const found = await Promise.all(there.map(async ([place, streets]) => {
    const rows = (await fetched(place.file)).filter(([street]) => streets.has(street));
    return way.number ? numbered(way, place, rows, streets) : listed(place, rows, streets);
  }));
  return [...(way.number ? [] : towns(way, places, streetsOf === similar)), ...found.flat()];
}

// Streets: Map(name, match)

function literal({ words, after }, { name, others, streets }) {
  const names = [name, ...others].map(folded);
  const exact = (street) => words.some((_, at) => {
    const behind = folded([...words.slice(at + 1), ...after].join(""));
    return folded(words.slice(0, at + 1).join("")) === street && (!behind || names.includes(behind));
  });
  const typed = [...words, ...after].map(folded);
  const ofPlace = partsOf([name, ...others].join(" "));
  const begins = (street) => {
    const parts = partsOf(street);
    const isIn = (word, among) => among.some((part) => part.startsWith(word));
    return typed.some((word) => isIn(word, parts)) && typed.every((word) => isIn(word, parts) || isIn(word, ofPlace));
  };
  const kind = (street) => (exact(folded(street)) ? "exact" : begins(street) ? "start" : null);
  return new Map(streets.map((street) => [street, kind(street)]).filter(([, match]) => match));
}

const partsOf = (text) => text.split(/[\s'’.-]+/).map(folded).filter(Boolean);

function similar({ words, after }, { name, others, streets }) {
  const names = [name, ...others].map(folded);
  const ways = after.length ? [[words, after]] : [[words, []], [words.slice(0, -1), words.slice(-1)]];
  const fits = ([mine, behind]) => !behind.length || names.includes(folded(behind.join("")));
  const wanted = ways.filter(fits).map(([mine]) => folded(mine.join(""))).filter(({ length }) => length > 3);
  const like = (street) => wanted.some((key) => similarity(key, folded(street)) >= LEAST);
  return new Map(streets.filter(like).map((street) => [street, "similar"]));
}

// Features

function towns({ words, after }, places, misspelt) {
  const key = folded([...words, ...after].join(""));
  const matchOf = ({ name, others }) => {
    const names = [name, ...others].map(folded);
    if (misspelt) return names.some((one) => similarity(one, key) >= LEAST) ? "similar" : null;
    return names.includes(key) ? "exact" : names.some((one) => one.startsWith(key)) ? "start" : null;
  };
  return places.map((place) => [place, matchOf(place)]).filter(([, match]) => match)
    .map(([{ name, bbox }, match]) => feature({ kind: "town", name, match }, bbox));
}

const boxOf = (rows) => [4, 5, 4, 5].map((at, edge) => Math[edge < 2 ? "min" : "max"](...rows.map((row) => row[at]).filter((each) => each !== null)));

function listed({ name: place }, rows, streets) {
  return [...streets].map(([name, match]) => feature({ kind: "street", name, place, match }, boxOf(rows.filter(([street]) => street === name))));
}

const fits = (way, [, number, suffix, postcode]) =>
  (!way.number || number === way.number) && folded(suffix).startsWith(way.suffix) && postcode.startsWith(way.postcode);

function numbered(way, place, rows, streets) {
  return rows.filter((row) => fits(way, row)).map((row) => {
    const match = streets.get(row[0]);
    return ofRow(row, place.name, match === "exact" && folded(row[2]) !== way.suffix ? "start" : match);
  });
}

function ofRow([street, number, suffix, postcode, lon, lat, ...rows], place, match) {
  const written = postcode.replace(/^(\d{4})/, "$1 ");
  return feature({ kind: "address", name: `${street} ${number}${suffix}`, place, postcode: written, match, rows }, [lon, lat, lon, lat]);
}

async function byPostcode(way, places, fetched) {
  const there = places.filter(({ postcodes }) => postcodes.includes(way.postcode.slice(0, 4))).slice(0, MOST_PLACES);
  const found = await Promise.all(there.map(async (place) => {
    const rows = (await fetched(place.file)).filter((row) => fits(way, row));
    if (!rows.length) return [];
    const whole = way.postcode.length === 6;
    const match = (row) => (way.number && folded(row[2]) === way.suffix ? "exact" : "start");
    const addresses = whole ? rows.map((row) => ofRow(row, place.name, match(row))) : [];
    const code = feature({ kind: "postcode", name: way.postcode.replace(/^(\d{4})(?=.)/, "$1 "), place: place.name, match: "exact" }, boxOf(rows));
    const found = way.number ? addresses : [code, ...addresses];
    const named = ({ properties: { name } }) => {
      const parts = partsOf([name, place.name, ...place.others].join(" "));
      return way.number || way.words.every((word) => !/^\d/.test(word) && parts.some((part) => part.startsWith(folded(word))));
    };
    return found.filter(named);
  }));
  return found.flat();
}

function feature({ postcode = "", place = "", ...properties }, bbox) {
  const point = properties.kind === "address" && bbox[0] !== null;
  return {
    type: "Feature", bbox, geometry: point ? { type: "Point", coordinates: bbox.slice(0, 2) } : null,
    properties: { ...properties, place, postcode, buildings: [] },
  };
}
