/** The area that is counted: a place, a polygon or a circle, drawn or by numbers. */

import { Problem } from "./api.js";
import { byId, remember, remembered } from "./dom.js";
import { enter, now, on } from "./state.js";
import { boundsOf, boxRing, circleRing, inBox, rounded } from "./shapes.js";
import { goTo, put, theMap } from "./mapview.js";
import { drawn } from "./draw.js";
import { decimalOf, number, numberOf, say, t } from "./texts.js";

const WAAG = [4.90036, 52.37278]; // on the Nieuwmarkt, the middle of the study's circle
const STUDY_RADIUS = 2000; // [m]
const NOT_KNOWN = [undefined, 400, 404]; // statuses for a code of no place; files have none
const places = new Map(); // by code, as promises of their features
const names = new Map(); // of places, by code
let app = null;

/** Make the ways to an area work. */
export function startAreas(given) {
  app = given;
  byId("draw-polygon").addEventListener("click", () => draw("polygon"));
  byId("draw-circle").addEventListener("click", () => draw("circle"));
  byId("study-circle").addEventListener("click", () => {
    chooseArea({ kind: "circle", centre: theWaag() ?? middle(), radius: STUDY_RADIUS });
  });
  byId("circle-here").addEventListener("click", fillIn);
  byId("circle-form").addEventListener("submit", byNumbers);
  byId("area-clear").addEventListener("click", () => chooseArea(null));
  on(["area"], () => outline(false));
}

/** Choose an area, and go there. */
function chooseArea(area) {
  say(byId("circle-error"));
  if (!area || area.kind !== "place") byId("place").value = "";
  enter({ area, tab: "area" });
  outline();
}

/** Choose a place as the area. */
export function choosePlace({ properties }) {
  names.set(properties.code, properties.name);
  chooseArea({ kind: "place", code: properties.code });
}

/** The feature of a place, fetched once; rejects with a Problem. */
export function placeOf({ code }) {
  if (!places.has(code)) places.set(code, fetched(code));
  return places.get(code);
}

async function fetched(code) {
  try {
    const place = await app.source.place(code);
    names.set(code, place.properties.name);
    return place;
  } catch (problem) {
    places.delete(code); // another time there may be an answer
    throw NOT_KNOWN.includes(problem.status) ? new Problem(null, "", "place_unknown") : problem;
  }
}

async function draw(kind) {
  put("area", []);
  const area = await drawn(kind);
  byId(`draw-${kind}`).focus({ preventScroll: true });
  if (area) chooseArea(area);
  else outline(false);
}

/** The Waag where the collection holds it, else null. */
function theWaag() {
  return inBox(app.collection().bbox, WAAG) ? WAAG : null;
}

function middle() {
  const { lng, lat } = theMap().getCenter();
  return [rounded(lng), rounded(lat)];
}

/** Write what the study's button does here. */
export function writeAreas() {
  byId("study-circle").textContent = t(theWaag() ? "study_waag" : "study_here");
}

function fillIn() {
  const [lon, lat] = middle();
  byId("circle-lat").value = lat.toFixed(5);
  byId("circle-lon").value = lon.toFixed(5);
}

function byNumbers(event) {
  event.preventDefault();
  const [lat, lon] = ["lat", "lon"].map((name) => decimalOf(byId(`circle-${name}`).value));
  const radius = numberOf(byId("circle-radius").value);
  // The Netherlands, generously; a radius beyond 100 km is no circle to count in.
  const right = lat > 50 && lat < 54.5 && lon > 2 && lon < 8 && radius > 0 && radius <= 100_000;
  if (right) return chooseArea({ kind: "circle", centre: [rounded(lon), rounded(lat)], radius });
  say(byId("circle-error"), () => t("circle_wrong"));
}

/** Draw the area's outline on the map and go there; why there is none, the totals say. */
export async function outline(go = true) {
  const { area } = now();
  const geometry = area ? await shapeOf(area).catch(() => null) : groundOf(app.config);
  if (area !== now().area) return; // another one was chosen meanwhile
  put("area", geometry ? [{ type: "Feature", properties: {}, geometry }] : []);
  if (geometry && go) goTo(boundsOf(geometry));
}

/** Where nothing was computed yet: the rectangle of the heights, or null. */
function groundOf({ ground }) {
  return ground ? { type: "Polygon", coordinates: [boxRing(ground)] } : null;
}

/** The area as a geometry of GeoJSON; null for none. */
export async function shapeOf(area) {
  if (!area) return null;
  if (area.kind === "place") return (await placeOf(area)).geometry;
  const ring = area.kind === "circle" ? circleRing(area.centre, area.radius) : area.ring;
  return { type: "Polygon", coordinates: [ring] };
}

/** Whether an area was drawn, so that it has no name but what its reader gives it. */
export function isDrawn(area) {
  return Boolean(area) && area.kind !== "place";
}

/** Call a drawn area by a name in this browser, or by none where it is empty. */
export function nameArea(area, name) {
  const { [JSON.stringify(area)]: _, ...others } = remembered("areas") ?? {};
  remember("areas", name ? { ...others, [JSON.stringify(area)]: name } : others);
}

/** What an area is called. */
export function nameOf(area) {
  if (!area) return t("area_all");
  const given = isDrawn(area) && remembered("areas")?.[JSON.stringify(area)];
  if (given) return given;
  if (area.kind === "place") return names.get(area.code) ?? area.code;
  if (area.kind === "circle") return t("area_circle", { radius: number(area.radius) });
  return t("area_polygon");
}
