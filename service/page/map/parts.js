/** The parts of a roof in its card, such as its planes: each kind under a title, a line a part. */

import { byId, make, terms } from "./dom.js";
import { partsInTiles, theMap } from "./mapview.js";
import { inWords, methodOf, ownFields } from "./methods.js";
import { colourOf } from "./shades.js";
import { now, on } from "./state.js";
import { number, t } from "./texts.js";

const MOST_OPEN = 8; // the others are behind a click
let app = null; // {source, collection()}
let brought = { row: null }; // the parts of a roof by their kind; null: not brought yet

/** Where there is no service, bring parts from tiles as these come. */
export function startParts(given) {
  app = given;
  on(["colour"], rewriteParts);
  theMap().on("idle", () => {
    if (!app.source.parts && now().roof !== null) bringParts(now().roof);
  });
}

/** Bring the parts of a roof, and write them into its card. */
export async function bringParts(row) {
  const collection = app.collection();
  if (brought.row !== row || brought.collection !== collection) brought = { row, collection };
  const mine = brought;
  await Promise.all(methodOf(collection).parts.map(async (column) => {
    const parts = await partsOf(collection, column.name, row);
    if (parts.length <= (mine[column.name]?.length ?? -1)) return; // tiles went
    mine[column.name] = parts;
    if (mine === brought) byId(`roof-${column.name}`)?.replaceChildren(...content(collection, column));
  }));
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

/** A section of the card for each kind of parts. */
export function partSections(collection, row) {
  if (brought.row !== row || brought.collection !== collection) brought = { row, collection };
  return methodOf(collection).parts.map((column) =>
    make("section", { id: `roof-${column.name}`, "data-testid": `roof-${column.name}` }, ...content(collection, column)));
}

function content(collection, column) {
  const parts = brought[column.name];
  if (!parts || (app.source.parts && !parts.length)) return [];
  const items = parts.map((part) => make("li", { class: "part" }, ...lineOf(collection, column, part)));
  return [
    make("h3", {}, `${inWords(column.title)}${parts.length ? ` (${number(parts.length)})` : ""}`),
    parts.length ? make("ul", { class: "parts" }, ...items.slice(0, MOST_OPEN)) : make("p", { class: "hint" }, t("parts_zoom")),
    items.length > MOST_OPEN ? rest(items.slice(MOST_OPEN)) : null,
  ].filter(Boolean);
}

const rest = (items) => make("details", {}, make("summary", {}, t("parts_more", { n: number(items.length) })), make("ul", { class: "parts" }, ...items));

/** What is said of a part: by its method, else as its fields are declared. */
function lineOf(collection, column, part) {
  const { partLine } = methodOf(collection).own;
  if (partLine) return partLine(part, column, colourOf(column, part, collection.method?.parameters));
  return [terms(ownFields(column, part), { class: "terms" })];
}
