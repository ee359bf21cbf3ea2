/** What the legend, the sources and the sheet of a telephone cover of the map, and what is seen beside them. */

import { byId } from "./dom.js";
import { hasMap, theMap } from "./mapview.js";
import { boxesMeet } from "./shapes.js";

/** Have the map's middle, to which it zooms and around which it turns, in the middle of what is
 * seen, whenever legend, sources or the sheet of a telephone cover more or less of it. */
export function keepClear() {
  const sized = new ResizeObserver(clear);
  for (const id of ["map", "panel", "legend", "attribution"]) sized.observe(byId(id));
}

function clear() {
  byId("stage").style.setProperty("--foot", `${byId("attribution").offsetHeight}px`);
  theMap().setPadding(coveredEdges());
}

/** How much of each edge of the map is covered: by the sources, with the sheet below them, and by
 * a legend that leaves the larger half of the map beside it [px]. */
function coveredEdges() {
  const [box, sources, legend] = ["map", "attribution", "legend"].map((id) => byId(id).getBoundingClientRect());
  const beside = legend.right - box.left;
  const left = byId("legend").open && beside < box.width / 2 ? Math.max(beside, 0) : 0;
  return { top: 0, right: 0, bottom: box.bottom - sources.top, left };
}

/** What of the map is seen: {left, top, right, bottom} within it [px]. */
function clearing() {
  const { left, bottom } = theMap().getPadding();
  const { clientWidth, clientHeight } = theMap().getContainer();
  return { left, top: 0, right: clientWidth, bottom: clientHeight - bottom };
}

/** Whether anything of [west, south, east, north] is seen; without a map it is. */
export function sees(box) {
  if (!hasMap()) return true;
  const { left, top, right, bottom } = clearing();
  const corners = [[left, top], [right, top], [right, bottom], [left, bottom]].map((at) => theMap().unproject(at));
  const [lon, lat] = [corners.map(({ lng }) => lng), corners.map((each) => each.lat)];
  return boxesMeet(box, [Math.min(...lon), Math.min(...lat), Math.max(...lon), Math.max(...lat)]);
}

/** Move a place from under the sheet to the middle of what is seen. */
export function uncover(place) {
  clear(); // the sheet may have come up just now
  if (theMap().project(place).y > clearing().bottom - 20) theMap().easeTo({ center: place, duration: 400 });
}
