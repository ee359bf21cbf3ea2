/** The parts of a roof in its card, such as its planes: each kind under a title, a chip a part, the
 * best first. A chip and the part on the map choose each other. */

import { byId, folded, make, terms } from "./dom.js";
import { partsInTiles } from "./inview.js";
import { choosePart } from "./layers.js";
import { goTo, hasMap, theMap } from "./mapview.js";
import { inWords, methodOf, ownFields } from "./methods.js";
import { plan } from "./plan.js";
import { colourOf } from "./shades.js";
import { boundsOf } from "./shapes.js";
import { PARTS_ZOOM } from "./sources.js";
import { now, on, set } from "./state.js";
import { number, t } from "./texts.js";

const MOST_OPEN = 8; // the others are behind a click
let app = null; // {source, collection()}
let brought = { row: null }; // the parts of a roof by their kind, as features; null: not brought yet
let came = () => {}; // what follows when parts came

/** Where there is no service, bring parts from tiles as these come. arrived: is called when more did. */
export function startParts(given, arrived) {
  [app, came] = [given, arrived];
  on(["colour"], rewriteParts);
  on(["part"], ({ roof, part }) => {
    choosePart(roof, part);
    showChosen();
  });
  theMap().on("idle", () => {
    if (!app.source.parts && now().roof !== null) bringParts(now().roof);
  });
}

/** Bring the parts of a roof, and write them into its card. */
export async function bringParts(row) {
  const collection = app.collection();
  startAnew(collection, row);
  const mine = brought;
  await Promise.all(methodOf(collection).parts.map(async (column) => {
    const parts = await partsOf(collection, column.name, row);
    if (parts.length <= (mine[column.name]?.length ?? -1)) return; // tiles went
    const order = methodOf(collection).own.partOrder ?? (() => 0);
    mine[column.name] = parts.sort((one, other) => order(one.properties, other.properties));
    if (mine !== brought) return;
    rewriteParts();
    came();
  }));
}

function startAnew(collection, row) {
  if (brought.row !== row || brought.collection !== collection) brought = { row, collection };
}

/** The parts of a roof of a kind, as they came: [properties, ...]; null where none came yet. */
export function partsOfRoof(row, name) {
  const parts = brought.row === row ? brought[name] : null;
  return parts?.map(({ properties }) => properties) ?? null;
}

/** Write the parts in the card anew, in other colours. */
function rewriteParts() {
  for (const column of methodOf(app.collection()).parts) byId(`roof-${column.name}`)?.replaceChildren(...content(app.collection(), column));
}

/** As the service has them, else those of the tiles. */
async function partsOf(collection, name, row) {
  try {
    if (app.source.parts) return await app.source.parts(collection.name, name, row);
  } catch {
    // What the map has is better than nothing.
  }
  return partsInTiles(name, row);
}

/** A section of the card for each kind of parts; outline: of the roof, as a geometry. */
export function partSections(collection, row, outline) {
  startAnew(collection, row);
  brought.outline = outline;
  return methodOf(collection).parts.map((column) =>
    make("section", { id: `roof-${column.name}`, "data-testid": `roof-${column.name}` }, ...content(collection, column)));
}

function content(collection, column) {
  const parts = brought[column.name];
  if (!parts || (app.source.parts && !parts.length)) return [];
  const items = parts.map((part) => chipOf(collection, column, part));
  return [
    make("h3", {}, `${inWords(column.title)}${parts.length ? ` (${number(parts.length)})` : ""}`),
    parts.length ? make("ul", { class: "parts" }, ...items.slice(0, MOST_OPEN)) : make("p", { class: "hint" }, t("parts_zoom")),
    items.length > MOST_OPEN ? rest(items.slice(MOST_OPEN)) : null,
  ].filter(Boolean);
}

const rest = (items) =>
  folded(t("parts_more", { n: number(items.length) }), { open: items.some((item) => item.classList.contains("chosen")) },
    make("ul", { class: "parts" }, ...items));

const numberOf = (column, part) => part[column.fields[0].name];

/** A part as a chip, and below it, while it is chosen, what else is said of it. */
function chipOf(collection, column, { properties, geometry }) {
  const { chip = plainChip } = methodOf(collection).own;
  const { title, figures, falls } = chip(properties, column);
  const colour = colourOf(column, properties, collection.method);
  const of = numberOf(column, properties);
  const chosen = now().part === of;
  const act = () => toggle(of, geometry);
  return make("li", { class: chosen ? "part chosen" : "part", "data-part": of },
    make("button", { type: "button", class: "chip", "data-testid": "chip", "aria-expanded": String(chosen), onclick: act },
      plan(brought.outline, geometry, falls, colour),
      make("span", {}, make("strong", {}, title), figures ? make("span", {}, figures) : null)),
    make("div", { class: "more", hidden: !chosen }, ...linesOf(collection, column, properties)));
}

/** Of a method that says nothing of it: its kind and number. */
function plainChip(part, column) {
  return { title: `${inWords(column.title)} ${numberOf(column, part)}` };
}

/** What is said of a part: by its method, else as its fields are declared. */
function linesOf(collection, column, part) {
  const { partLines } = methodOf(collection).own;
  return partLines ? partLines(part) : [terms(ownFields(column, part), { class: "terms" })];
}

/** Choose a part, or none if it is; go nearer where the map does not draw parts. */
function toggle(of, geometry) {
  set({ part: now().part === of ? null : of });
  if (now().part === null || !geometry || !hasMap() || theMap().getZoom() >= PARTS_ZOOM) return;
  goTo(boundsOf(brought.outline ?? geometry), { maxZoom: 19 });
}

/** Show in the card which part is chosen, where it is not seen. */
function showChosen() {
  for (const item of byId("roof-card").querySelectorAll("[data-part]")) {
    const chosen = Number(item.dataset.part) === now().part;
    item.classList.toggle("chosen", chosen);
    item.querySelector(".chip").setAttribute("aria-expanded", String(chosen));
    item.querySelector(".more").hidden = !chosen;
    if (!chosen) continue;
    const others = item.closest("details");
    if (others) others.open = true;
    item.scrollIntoView({ block: "nearest" });
  }
}
