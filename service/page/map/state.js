/** What the reader sees and chose: kept here, written in the link after #, and read from it. */

import { later } from "./dom.js";

/** What is seen where nothing else is said. */
export const DEFAULTS = Object.freeze({
  collection: null, // name
  at: null, // [lat, lon, zoom, pitch, bearing]
  shown: [], // layers that are switched on
  hidden: [], // layers of parts of roofs that are switched off
  colour: null, // the scale by which roofs and their parts are coloured; null: by class and shade
  sun: 0, // 0: all times together, else the number of a time, from 1
  tall: false,
  marks: true,
  area: null, // see areaText
  roof: null, // row
  part: null, // the number of a part of that roof, such as a plane
  lang: null,
  tab: "area",
});
const state = { ...DEFAULTS };
const listeners = [];
const OURS = "daklaag"; // the mark of an entry of the history that this page wrote

/** The state, to be read only. */
export function now() {
  return state;
}

/** Whether something that the page shows unless the reader hides it is shown. */
export function isShown(name) {
  return !state.hidden.includes(name);
}

/** Change some of it; those who listen to what really changed are told. */
export function set(changes) {
  const changed = Object.keys(changes).filter(
    (key) => JSON.stringify(state[key]) !== JSON.stringify(changes[key]),
  );
  for (const key of changed) state[key] = changes[key];
  if (!changed.length) return;
  write();
  for (const [keys, act] of listeners) {
    if (keys.some((key) => changed.includes(key))) act(state);
  }
}

/** Change what the reader chose: to go back in the browser is to go to what was before. */
export function enter(changes) {
  const before = link();
  history.replaceState(OURS, "", `#${before}`);
  set(changes);
  if (link() !== before) history.pushState(OURS, "", `#${link()}`);
}

/** Whether the reader came back to a link of this page, and did not follow another. */
export function cameBack() {
  return history.state === OURS;
}

/** Call `act(state)` when one of `keys` changed. */
export function on(keys, act) {
  listeners.push([keys, act]);
}

/** Read the link; gives what it says, and nothing of what it does not. */
export function fromLink(hash = location.hash) {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const out = {};
  if (parameters.has("c")) out.collection = parameters.get("c");
  const at = (parameters.get("at") ?? "").split(",").map(Number);
  if (at.length >= 3 && at.every(Number.isFinite) && Math.abs(at[0]) <= 90) {
    out.at = [at[0], at[1], at[2], at[3] ?? 0, at[4] ?? 0];
  }
  if (parameters.has("layers")) {
    const layers = parameters.get("layers").split(",");
    out.tall = layers.includes("3d");
    out.marks = layers.includes("marks");
    out.hidden = layers.filter((name) => name.startsWith("-")).map((name) => name.slice(1));
    out.shown = layers.filter((name) => name && !name.startsWith("-") && !["3d", "marks"].includes(name));
  }
  if (parameters.has("colour")) out.colour = parameters.get("colour");
  if (/^\d+$/.test(parameters.get("sun") ?? "")) out.sun = Number(parameters.get("sun"));
  if (/^\d+$/.test(parameters.get("roof") ?? "")) out.roof = Number(parameters.get("roof"));
  if (/^\d+$/.test(parameters.get("part") ?? "")) out.part = Number(parameters.get("part"));
  if (parameters.has("lang")) out.lang = parameters.get("lang");
  if (parameters.has("tab")) out.tab = parameters.get("tab");
  if (parameters.has("area")) out.area = areaOf(parameters.get("area"));
  return out;
}

/** The whole view as it stands behind # in the link. */
export function link() {
  const parameters = new URLSearchParams();
  if (state.collection) parameters.set("c", state.collection);
  if (state.at) parameters.set("at", state.at.join(","));
  const hidden = state.hidden.map((name) => `-${name}`);
  const layers = [...state.shown, ...hidden, ...(state.tall ? ["3d"] : []), ...(state.marks ? ["marks"] : [])];
  parameters.set("layers", layers.join(","));
  if (state.colour) parameters.set("colour", state.colour);
  if (state.sun) parameters.set("sun", state.sun);
  if (state.area) parameters.set("area", areaText(state.area));
  if (state.roof !== null) parameters.set("roof", state.roof);
  if (state.part !== null) parameters.set("part", state.part);
  if (state.tab !== "area") parameters.set("tab", state.tab);
  if (state.lang) parameters.set("lang", state.lang);
  return parameters.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";");
}

// Browsers let a page rewrite its address about a hundred times in half a minute.
const write = later(() => history.replaceState(OURS, "", `#${link()}`), 350);

/**
 * An area as a short text.
 * @param {{kind: "place", code: string} | {kind: "circle", centre: number[], radius: number} |
 *   {kind: "polygon", ring: number[][]}} area
 */
function areaText(area) {
  if (area.kind === "place") return `place:${area.code}`;
  if (area.kind === "circle") return `circle:${[...area.centre, area.radius].join(",")}`;
  return `polygon:${area.ring.map((point) => point.join(",")).join(";")}`;
}

function areaOf(text) {
  const [kind, ...rest] = text.split(":");
  if (kind === "place" && rest[0]) return { kind, code: rest[0] };
  if (kind === "circle") {
    const [lon, lat, radius] = (rest[0] ?? "").split(",").map(Number);
    if ([lon, lat, radius].every(Number.isFinite)) return { kind, centre: [lon, lat], radius };
  }
  if (kind === "polygon") {
    const given = (rest[0] ?? "").split(";").map((point) => point.split(",").map(Number));
    const ring = String(given[0]) === String(given.at(-1)) ? given : [...given, given[0]];
    if (ring.length > 3 && ring.every((p) => p.length === 2 && p.every(Number.isFinite))) {
      return { kind, ring };
    }
  }
  return null;
}
