/** What is seen, to take along: roofs as GeoJSON, the map as a picture, a printed page, a link. */

import { byId, make, offer, unfold } from "./dom.js";
import { link, now } from "./state.js";
import { inBox } from "./shapes.js";
import { content, lastTotals } from "./totals.js";
import { legendOf } from "./legend.js";
import { inDetail, roofsInView } from "./inview.js";
import { hasMap, viewBox } from "./mapview.js";
import { printedRoof } from "./roof.js";
import { mapPicture, pictureFile, subtitle } from "./picture.js";
import { svgOf } from "./symbols.js";
import { number, t } from "./texts.js";

const MOST_ROOFS = 20_000;
let app = null;

/** Make the buttons work. */
export function startSave(given) {
  app = given;
  byId("save-roofs").addEventListener("click", roofs);
  byId("save-picture").addEventListener("click", picture);
  byId("save-print").addEventListener("click", () => print());
  byId("save-link").addEventListener("click", copy);
  addEventListener("beforeprint", writePaper);
}

function tell(text) {
  byId("save-told").textContent = text;
}

async function roofs() {
  tell(t("save_busy"));
  try {
    const [features, all] = app.source.roofs
      ? await app.source.roofs(now().collection, viewBox(), MOST_ROOFS)
      : [inDetail() ? roofsInView().map(plain) : [], true];
    if (!features.length) return tell(t(app.source.roofs ? "save_no_roofs" : "roof_zoom"));
    const text = JSON.stringify({ type: "FeatureCollection", attribution: app.collection().attribution, features });
    offer(new Blob([text], { type: "application/geo+json" }), "daklaag-roofs.geojson");
    tell(t(all ? "save_roofs_done" : "save_roofs_some", { n: number(features.length) }));
  } catch (problem) {
    tell(app.explain(problem));
  }
}

const plain = ({ id, properties, geometry }) => ({ type: "Feature", id, properties, geometry });

async function picture() {
  offer(await pictureFile(app), "daklaag-map.png");
  tell(t("save_picture_done"));
}

async function copy() {
  const url = `${location.origin}${location.pathname}#${link()}`;
  try {
    await navigator.clipboard.writeText(url);
    tell(t("save_link_done"));
  } catch {
    tell(url);
  }
}

/** What is printed in place of the page: map, legend, totals, sources. */
function writePaper() {
  const last = lastTotals();
  const { at } = now();
  const key = legendOf(app.collection());
  const legend = make("ul", { class: "classes" }, ...key.entries.map(({ symbol, label }) => make("li", {}, svgOf(symbol), label)));
  const middle = at && inBox([-180, -90, 180, 90], [at[1], at[0]]) ? `${number(at[0], 4)}, ${number(at[1], 4)}` : "";
  byId("paper").replaceChildren(
    make("h1", {}, t("title")),
    make("p", { class: "subtitle" }, subtitle(app, "printed")),
    make("div", { class: "paper-map" },
      hasMap() ? make("img", { src: mapPicture().canvas.toDataURL("image/png"), alt: t("map") }) : null,
      make("div", { class: "paper-legend" }, make("h2", {}, key.title), legend, make("p", {}, middle && t("paper_middle", { middle })))),
    unfold(make("section", {}, make("h2", {}, last?.name ?? ""), ...(last ? content(last) : []))),
    ...[printedRoof()].filter(Boolean),
    make("section", { class: "paper-sources" }, make("h2", {}, t("sources")), ...app.sourceElements()),
  );
}
