/** To what was found: an address, a building or a point leads to its roof, all else to its ground. */

import { addressText } from "./addresses.js";
import { Problem } from "./api.js";
import { choosePlace } from "./areas.js";
import { byId } from "./dom.js";
import { uncover } from "./covered.js";
import { roofsInView } from "./inview.js";
import { goTo, hasMap, theMap } from "./mapview.js";
import { offer, open, unlist } from "./roof.js";
import { boundsOf, inPolygons } from "./shapes.js";
import { t } from "./texts.js";

const NEAR = 0.003; // degrees: buildings of one address lie within 200 m
const HERE = 1e-6;
const CLOSE = 18; // zoom, at which roofs are there whole

/**
 * Go to a suggestion; gives what is to be said of it.
 * @param {{source, collection()}} app
 */
export async function follow(app, suggestion) {
  const { kind, feature, name, at } = suggestion;
  if (kind === "building") return toRoofs(app, [name], null, null);
  if (kind === "point") return toRoofs(app, [], at, null);
  if (kind === "address") return toRoofs(app, feature.properties.buildings, feature.geometry?.coordinates, addressText(feature), feature.properties.rows?.[app.collection().name]);
  if (feature.properties.code) choosePlace(feature);
  else if (feature.bbox) goTo(feature.bbox);
  return "";
}

/** Open the roof of an address, a building or a point; of several, offer the choice. */
async function toRoofs(app, buildings, point, address, rows = null) {
  try {
    const roofs = await (app.source.roof ? asked(app, buildings, point) : seen(app, buildings, point, rows));
    if (!roofs.length) return missing(app, buildings, point, address);
    if (roofs.length > 1) return several(roofs, address ?? buildings[0]);
    await show(roofs[0], address);
    return "";
  } catch (problem) {
    return app.explain(problem);
  }
}

/** The roofs as the service knows them. */
async function asked({ source, collection }, buildings, point) {
  const { name } = collection();
  const box = (size) => point && [point[0] - size, point[1] - size, point[0] + size, point[1] + size];
  if (!buildings.length) {
    if (!point) return [];
    const [features] = await source.roofs(name, box(HERE), 100);
    return features.filter(({ geometry }) => inPolygons(geometry, point));
  }
  const found = await Promise.all(buildings.map((id) => source.roofsById(name, id, box(NEAR))));
  return found.flat();
}

/** The roofs as the map shows them, where there is no service: it goes there first. */
async function seen(app, buildings, point, rows) {
  if (!hasMap()) throw new Problem(null, "", "no_map");
  if (point) {
    theMap().jumpTo({ center: point, zoom: CLOSE });
    await idle();
  }
  if (rows || buildings.length) {
    const mine = ({ id, properties }) => (rows ? rows.includes(id) : buildings.includes(String(properties.id)));
    return roofsInView().filter(mine);
  }
  return point ? roofsInView(theMap().project(point)) : [];
}

const idle = () => new Promise((done) => theMap().once("idle", done));

async function show(feature, address) {
  const row = Number(feature.id ?? feature.properties.row);
  if (feature.geometry) goTo(boundsOf(feature.geometry), { maxZoom: CLOSE });
  unlist();
  await open(row, feature.properties, feature.geometry, address);
  byId("roof-title")?.focus();
}

/** Go to the place all the same, and say that nothing is known of it. */
function missing(app, buildings, point, address) {
  if (point && hasMap()) {
    goTo([...point, ...point], { maxZoom: CLOSE });
    uncover(point);
  }
  if (address) return t("address_without_roof", { address });
  if (buildings.length) return t(app.source.roof ? "roof_unknown" : "roof_unseen", { id: buildings[0] });
  return t("point_without_roof");
}

function several(features, address) {
  const boxes = features.map(({ geometry }) => boundsOf(geometry));
  const edge = (at, act) => act(...boxes.map((box) => box[at]));
  goTo([edge(0, Math.min), edge(1, Math.min), edge(2, Math.max), edge(3, Math.max)]);
  offer(features, address);
  return "";
}
