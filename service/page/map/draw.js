/** Draw a polygon or a circle on the map: by mouse, by finger, or by keys, which move the map below
 * a crosshair and set a point there. */

import { byId, show } from "./dom.js";
import { circleRing, crossesItself, metresBetween, rounded } from "./shapes.js";
import { put, theMap } from "./mapview.js";
import { open } from "./tabs.js";
import { say, t } from "./texts.js";

const AFTERMATH_MS = 300; // other listeners hear the click that ends a drawing after us
const NEAR_PX = 14; // a finger's idea of the same place
const LEAST_RADIUS = 5; // [m]; a second click on the centre is a slip
let kind = null; // while something is drawn
let points = [];
let resolve = null;
let ended = -AFTERMATH_MS;
let byKeys = false; // whether the reader draws by keys, for whom the map's middle is marked

/** Whether the map's clicks belong to a drawing now. */
export function drawing() {
  return kind !== null || performance.now() - ended < AFTERMATH_MS;
}

/**
 * Let the reader draw.
 * @param {"polygon"|"circle"} wanted
 * @returns {Promise<Object|null>} an area as `state.js` has them; null where it was stopped
 */
export function drawn(wanted) {
  stop();
  [kind, points] = [wanted, []];
  tell();
  show(byId("drawing"), true);
  open(false);
  theMap().getCanvas().style.cursor = "crosshair";
  theMap().getCanvas().focus(); // for the keys that move it
  aim(theMap().getCanvas().matches(":focus-visible"));
  theMap().doubleClickZoom.disable();
  return new Promise((done) => {
    resolve = done;
  });
}

/** Make clicks, keys and the buttons of a drawing work. */
export function startDrawing() {
  theMap().on("click", (event) => kind && set(placeOf(event.lngLat)));
  // Its first click has set the last corner, unless that was refused.
  theMap().on("dblclick", (event) => points.length && isClose(placeOf(event.lngLat), points.at(-1)) && finish());
  theMap().on("mousemove", (event) => {
    if (!kind) return;
    aim(false);
    sketch(placeOf(event.lngLat));
  });
  theMap().on("move", () => byKeys && aim(true));
  byId("drawing-stop").addEventListener("click", stop);
  byId("drawing-done").addEventListener("click", close);
  byId("drawing-middle").addEventListener("click", setMiddle);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") stop();
    // On a button these keys press it, as they would the one that has the focus after the drawing.
    const act = { Enter: finish, " ": setMiddle }[event.key];
    if (!act || !kind || event.target !== theMap().getCanvas()) return;
    event.preventDefault();
    act();
  });
}

/** Set a point in the map's middle. */
function setMiddle() {
  set(placeOf(theMap().getCenter()));
  if (kind) aim(true);
}

/** Mark the middle of the map, with what a point there would make, or no more. */
function aim(wanted) {
  byKeys = wanted;
  show(byId("crosshair"), wanted);
  if (!wanted) return;
  const { x, y } = theMap().project(theMap().getCenter());
  byId("crosshair").style.translate = `${x}px ${y}px`;
  sketch(placeOf(theMap().getCenter()));
}

/** Stop drawing, without an area. */
function stop() {
  end(null);
}

const placeOf = ({ lng, lat }) => [rounded(lng), rounded(lat)];

/** A point is set: a corner, the first corner again, a centre, or the edge of a circle. */
function set(point) {
  if (kind === "circle" && points.length) {
    const radius = Math.round(metresBetween(points[0], point));
    if (radius >= LEAST_RADIUS) end({ kind: "circle", centre: points[0], radius });
    return;
  }
  if (points.length > 2 && isClose(point, points[0])) return close();
  // The second click of a double one is no other corner.
  if (points.length && isClose(point, points.at(-1))) return;
  if (crossesItself([...points, point])) return tell("crosses");
  points.push(point);
  sketch(point);
  tell();
}

function isClose(one, other) {
  const [a, b] = [one, other].map((point) => theMap().project(point));
  return Math.hypot(a.x - b.x, a.y - b.y) < NEAR_PX;
}

/** Finish what has corners enough. */
function finish() {
  if (kind === "polygon" && points.length > 2) close();
}

/** Finish a polygon, if its last side crosses none. */
function close() {
  const ring = [...points, points[0]];
  if (crossesItself(ring)) tell("crosses");
  else end({ kind: "polygon", ring });
}

/** Say what comes next, and offer to finish what can be. */
function tell(next = kind === "circle" && points.length ? "edge" : kind) {
  const way = matchMedia("(pointer: coarse)").matches ? "tap" : "help";
  say(byId("drawing-help"), () => t(`${way}_${next}`, { n: points.length }));
  show(byId("drawing-done"), kind === "polygon" && points.length > 2);
}

/** Show what was drawn so far, with `point` as what would be set next. */
function sketch(point) {
  if (!points.length) return;
  const ring = kind === "circle"
    ? circleRing(points[0], Math.max(metresBetween(points[0], point), LEAST_RADIUS))
    : [...points, point, points[0]];
  const corners = points.map((coordinates) => ({ type: "Point", coordinates }));
  const shapes = [{ type: "Polygon", coordinates: [ring] }, ...corners];
  put("area", shapes.map((geometry) => ({ type: "Feature", properties: {}, geometry })));
}

function end(area) {
  if (!kind) return;
  kind = null;
  aim(false);
  ended = performance.now();
  show(byId("drawing"), false);
  open(true);
  theMap().getCanvas().style.cursor = "";
  setTimeout(() => kind || theMap().doubleClickZoom.enable(), AFTERMATH_MS);
  resolve(area);
}
