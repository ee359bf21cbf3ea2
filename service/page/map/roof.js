/** The roof that is chosen: by a click, from a list, by a search or a link; its card is in card.js. */

import { besides } from "./beside.js";
import { cardOf, kindOf, printed, rewriteBeside, rewriteHead, rewriteTitle } from "./card.js";
import { byId, make } from "./dom.js";
import { now, on, set } from "./state.js";
import { boundsOf } from "./shapes.js";
import { uncover } from "./covered.js";
import { inDetail, partsAt, roofInTiles, roofsInView } from "./inview.js";
import { choose } from "./layers.js";
import { goTo, hasMap, theMap, viewBox } from "./mapview.js";
import { swatch } from "./legend.js";
import { solidAt } from "./mesh.js";
import { methodOf } from "./methods.js";
import { bringParts, startParts } from "./parts.js";
import { PARTS_ZOOM } from "./sources.js";
import { number, t } from "./texts.js";

const MOST_LISTED = 100;
let app = null; // {config, source, collection()}
let shown = null; // the roof's properties, with row, address and geometry
let found = []; // what other methods say of it

/** Make clicks, the list and the search of roofs work. */
export function startRoofs(given) {
  app = given;
  startParts(app, () => shown && rewriteHead(shown, app.collection()));
  theMap().on("click", (event) => {
    if (!app.drawing()) clicked(event);
  });
  theMap().on("mousemove", (event) => {
    if (app.drawing()) return;
    theMap().getCanvas().style.cursor = inDetail() && roofsInView(event.point).length ? "pointer" : "";
  });
  theMap().on("idle", () => {
    if (shown && !app.source.roof && theMap().getZoom() >= PARTS_ZOOM) complement();
  });
  byId("roof-list-go").addEventListener("click", list);
  on(["roof"], ({ roof }) => choose(roof));
  on(["collection"], () => close());
}

/** The roof that is chosen: its properties with `row`, or null. */
export function chosenRoof() {
  return shown;
}

function clicked({ point, lngLat }) {
  if (!inDetail()) return say(t("roof_zoom"), true);
  const { feature, part } = solid(solidAt(point)) ?? flat(point);
  if (!feature) return;
  if (shown?.row !== feature.id || now().tab !== "roof" || !byId("roof-title")) {
    unlist();
    open(feature.id, feature.properties, feature.geometry);
  }
  if (part !== null) set({ part });
  uncover(lngLat); // from under the sheet that this may have pulled up
}

/** The roof and the number of its part, or null, that are seen in 3D. */
const solid = (owner) => owner && { feature: roofInTiles(owner.row), part: owner.part };

/** The same on the flat map. */
function flat(point) {
  const [feature] = roofsInView(point);
  const drawn = partsAt(app.collection(), point).find(({ properties }) => properties.row === feature?.id);
  if (!drawn) return { feature, part: null };
  const { fields } = methodOf(app.collection()).parts.find(({ name }) => name === drawn.name);
  return { feature, part: drawn.properties[fields[0].name] };
}

/** Take away the list and what was said. */
export function unlist() {
  say("");
  byId("roof-list").replaceChildren();
}

function say(text, toTab = false) {
  byId("roof-told").textContent = text;
  if (toTab && !shown) set({ tab: "roof" });
}

function close() {
  shown = null;
  set({ roof: null, part: null });
  byId("roof-card").replaceChildren();
  unlist();
  say(t("roof_pick"));
}

/** Show a roof as the service knows it; where there is none, as its tile does. address: by which it was found. */
export async function open(row, properties = null, geometry = null, address = null) {
  const another = shown?.row !== row;
  set({ roof: row, tab: "roof", ...(another ? { part: null } : {}) });
  if (another) startCard();
  if (properties && !app.source.roof) write({ ...properties, row, geometry, address });
  bringParts(row);
  if (!app.source.roof) return shown && bringMore(shown);
  try {
    const feature = await app.source.roof(app.collection().name, row);
    if (now().roof === row) complete(feature, row, address);
    return feature;
  } catch (problem) {
    if (now().roof === row) say(app.explain(problem));
  }
}

/** Where there is no service, write what nearer tiles know more of the roof, such as its months. */
function complement() {
  const near = roofInTiles(shown.row)?.properties ?? {};
  if (Object.keys(near).some((name) => !(name in shown))) write(Object.assign(shown, near));
}

/** Take away the card of another roof. */
function startCard() {
  [shown, found] = [null, []];
  byId("roof-card").replaceChildren();
  byId("roof").scrollTop = 0;
}

/** Write all that the service knows, and then what it knows besides. */
async function complete({ properties, geometry }, row, address) {
  write({ ...properties, row, geometry, address });
  await bringMore(shown);
}

async function bringMore(roof) {
  await Promise.allSettled([bringAddress(roof), bringBesides(roof)]);
}

/** Where the roof was not found by its address, those of its building. */
async function bringAddress(roof) {
  if (roof.address || !app.config.addresses) return;
  const names = await app.source.addressesOf(roof, app.collection().name);
  if (!names.length || shown !== roof) return;
  const more = names.length - 1;
  roof.address = more ? t("address_more", { address: names[0], n: number(more) }) : names[0];
  rewriteTitle(roof);
}

async function bringBesides(roof) {
  if (!roof.geometry) return;
  const [west, south, east, north] = boundsOf(roof.geometry);
  const those = await besides(app, app.collection(), roof, [(west + east) / 2, (south + north) / 2]);
  if (shown !== roof) return;
  found = those;
  rewriteBeside(found);
}

/** The roof that the link names, when the page starts. */
export async function openLinked(row) {
  const { tab, part } = now();
  unlist();
  if (app.source.roof) await open(row);
  else {
    await new Promise((done) => theMap().once("idle", done));
    const feature = roofsInView().find((one) => one.id === row);
    if (feature) await open(row, feature.properties, feature.geometry);
  }
  set({ tab, part });
  choose(row);
}

/** Offer the choice among the roofs of an address that has several buildings. */
export function offer(features, address) {
  byId("roof-card").replaceChildren();
  byId("roof-list").replaceChildren(...features.map((feature) => make("li", {}, lineOf(feature, address))));
  say(t("address_several", { address, n: number(features.length) }), true);
  set({ tab: "roof" });
}

/** The roofs in view as buttons, in the method's order. */
async function list() {
  if (hasMap() && !inDetail()) return say(t("roof_zoom"));
  const { rank = () => 0 } = methodOf(app.collection()).own;
  const seen = hasMap() ? roofsInView() : await withoutMap();
  const sorted = seen.sort((a, b) => rank(b.properties) - rank(a.properties));
  const listed = sorted.slice(0, MOST_LISTED);
  say(t(sorted.length > listed.length ? "roof_some" : "roof_all", { n: number(sorted.length), most: number(listed.length) }));
  byId("roof-card").replaceChildren();
  byId("roof-list").replaceChildren(...listed.map((feature) => make("li", {}, lineOf(feature))));
}

/** Where nothing is in view, some of all roofs. */
async function withoutMap() {
  if (!app.source.roofs) return [];
  try {
    const [features] = await app.source.roofs(app.collection().name, viewBox(), 10 * MOST_LISTED);
    return features;
  } catch {
    return [];
  }
}

function lineOf(feature, address = null) {
  const kind = kindOf(feature.properties, methodOf(app.collection()));
  const { rank, rankOf } = methodOf(app.collection()).own;
  const most = rank?.(feature.properties);
  const label = most ? `${kind.label}, ${rankOf(most)}` : kind.label;
  const act = async () => {
    await open(feature.id, feature.properties, feature.geometry, address);
    goTo(boundsOf(feature.geometry), { maxZoom: Math.max(17, theMap().getZoom()) });
    byId("roof-title")?.focus();
  };
  return make(
    "button",
    { type: "button", class: "roof-line", "data-testid": "roof-line", "data-row": feature.id, onclick: act },
    swatch(kind.colour),
    make("span", {}, make("strong", {}, String(feature.properties.id || feature.id)), make("small", {}, label)),
  );
}

function write(roof) {
  shown = roof;
  byId("roof-card").replaceChildren(...cardOf(roof, app.collection(), found, app.marks ? () => app.markRoof() : null));
}

/** The card of the open roof as it is printed; null where none is open. */
export function printedRoof() {
  return shown && printed(byId("roof-card"));
}

/** Write the open roof anew, in another language. */
export function rewrite() {
  unlist();
  if (shown) write(shown);
  else say(t("roof_pick"));
}
