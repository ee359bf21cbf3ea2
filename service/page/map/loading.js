/** Whether the tiles of a collection are on their way, have come, or are missing, in words over the map. */

import { byId, make } from "./dom.js";
import { theMap } from "./mapview.js";
import { say, t } from "./texts.js";

const PATIENCE_MS = 30_000; // for roofs, before it is said that none came

let again = null; // fetches them again
let sources = null; // their names; null until the map has them
let timer = 0; // after which roofs count as missing
let failures = []; // errors of tiles, or else of whole sources
let failure = null; // the key of the text that is shown for those

/** Listen to what the map gets; `fetchAgain()` is what a reader is offered where something is missing. */
export function startLoading(fetchAgain) {
  again = fetchAgain;
  theMap().on("error", (event) => {
    console.error(event.error);
    if (sources?.includes(event.sourceId)) failures.push(event);
  });
  theMap().on("idle", tellLoaded);
}

/** Say that the roofs of a collection are on their way, until all is drawn; not for ever. */
export function tellLoading({ name }) {
  clearTimeout(timer);
  [sources, failures] = [null, []];
  showFailure(null);
  say(byId("loading"), () => (name ? t("loading") : ""));
  timer = setTimeout(() => {
    say(byId("loading"));
    if (name) showFailure("no_tiles");
  }, PATIENCE_MS);
}

/** Wait for the tiles of these sources, which the map has now. */
export function awaitTiles(names) {
  sources = names;
  theMap().triggerRepaint(); // after which it is idle, once all is drawn
}

/** All was drawn that came: say whether something is missing in what is seen. */
function tellLoaded() {
  if (!sources) return;
  clearTimeout(timer);
  say(byId("loading"));
  failures = failures.filter(({ tile }) => !tile || (tile.state === "errored" && tile.uses > 0));
  const ranges = failures.some(({ error }) => error.name === "NoRanges");
  const key = failures.length ? (ranges ? "no_ranges" : "no_tiles") : null;
  if (key !== failure) showFailure(key);
}

/** Say what is missing, and offer to fetch it again. */
function showFailure(key) {
  failure = key;
  const button = key && make("button", { type: "button", "data-testid": "again", onclick: again }, t("again"));
  byId("lost").replaceChildren(...(key ? [t(key), button] : []));
}

/** Say what is missing in the language that is spoken now. */
export function rewriteFailure() {
  showFailure(failure);
}
