/** To results that are elsewhere, and back to them where the map shows none. */

import { byId, show } from "./dom.js";
import { enter, now } from "./state.js";
import { boundsOf, boxesMeet } from "./shapes.js";
import { shapeOf } from "./areas.js";
import { sees } from "./covered.js";
import { goTo, theMap } from "./mapview.js";

let collection = null; // gives the one that is shown

/** Offer the way back whenever none of the results is in view. */
export function startVisits(given) {
  collection = given;
  byId("back").addEventListener("click", () => {
    goTo(collection().bbox);
    theMap().getCanvas().focus();
  });
  theMap().on("moveend", offerWayBack);
}

/** Show other results, and go to them unless some are in view; an area elsewhere is left. */
export async function visit({ name, bbox }) {
  const shape = await shapeOf(now().area).catch(() => null);
  const stays = shape && boxesMeet(boundsOf(shape), bbox);
  enter({ collection: name, area: stays ? now().area : null });
  if (!sees(bbox)) goTo(bbox);
}

/** Show the button where it leads somewhere. */
export function offerWayBack() {
  show(byId("back"), Boolean(collection?.().name) && !sees(collection().bbox));
}
