/** What a typed text may mean, best first: the number of a building, a point, regions, addresses. */

import { theMap } from "./mapview.js";
import { buildingOf, pointOf } from "./typed.js";

const MOST = 12;
const RANK = { exact: 0, start: 1, similar: 2 };

/**
 * What a text may mean: [{kind, name, detail, match, feature}, ...]. What is only similar is there
 * where nothing else is.
 * @param {{config, source}} app
 */
export async function suggestionsFor(app, text) {
  const typed = byForm(text);
  if (typed) return [typed];
  const { lng, lat } = theMap().getCenter();
  const [places, addresses] = await Promise.all([
    app.source.places(text),
    app.config.addresses ? app.source.addresses(text, [lng, lat]) : { features: [] },
  ]);
  const regions = regionsOf(places);
  const names = new Set(regions.map(({ name }) => name));
  const others = addresses.features.map(ofAddress).filter(({ kind, name }) => !["town", "postcode"].includes(kind) || !names.has(name));
  const all = [...regions, ...others].sort((one, other) => RANK[one.match] - RANK[other.match]);
  const literal = all.filter(({ match }) => match !== "similar");
  return (literal.length ? literal : all).slice(0, MOST);
}

/** The one that is meant without doubt, or null: the only one that is the very name, or the only one at all. */
export function certain(suggestions) {
  const exact = suggestions.filter(({ match }) => match === "exact");
  if (exact.length === 1) return exact[0];
  const [only] = suggestions;
  return suggestions.length === 1 && only.match !== "similar" ? only : null;
}

function byForm(text) {
  const point = pointOf(text);
  if (point) return { kind: "point", name: text.trim(), detail: point.kind, match: "exact", at: point.at };
  const building = buildingOf(text);
  return building && { kind: "building", name: building, detail: "", match: "exact" };
}

function regionsOf({ features, exact = 0, similar = false }) {
  return features.map((feature, at) => ({
    kind: feature.properties.kind, name: feature.properties.name, detail: feature.properties.code,
    match: similar ? "similar" : at < exact ? "exact" : "start", feature,
  }));
}

function ofAddress(feature) {
  const { kind, name, place, postcode, match } = feature.properties;
  return { kind, name, detail: [postcode, place].filter(Boolean).join(" "), match, feature };
}
