/** What is seen, to take along: roofs as GeoJSON, the map as a picture, a printed page, a link. */

import { byId, make, offer } from "./dom.js";
import { link, now } from "./state.js";
import { inBox } from "./shapes.js";
import { content, lastTotals } from "./totals.js";
import { classesOf, swatch } from "./legend.js";
import { inDetail, roofsInView, theMap, viewBox } from "./mapview.js";
import { day, number, t } from "./texts.js";

const MOST_ROOFS = 20_000;
const NOT_JUDGED = "#bdbab3";
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

/** The map as it is now; drawn again, because a canvas forgets what it has shown. */
function canvasNow() {
  const map = theMap();
  map.redraw();
  return map.getCanvas();
}

function picture() {
  const map = canvasNow();
  const unit = map.width / map.clientWidth;
  const paper = make("canvas", { width: map.width, height: Math.round(map.height + 56 * unit) });
  const pen = paper.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, paper.width, paper.height);
  pen.drawImage(map, 0, 0);
  pen.scale(unit, unit);
  writeLegend(pen, map.clientHeight + 20);
  pen.fillStyle = "#52606d";
  pen.font = "11px system-ui, sans-serif";
  pen.fillText(`${app.collection().title}. ${plainText(app.attribution())}`, 12, map.clientHeight + 44);
  paper.toBlob((blob) => offer(blob, "daklaag-map.png"), "image/png");
  tell(t("save_picture_done"));
}

function writeLegend(pen, y) {
  let x = 12;
  pen.font = "13px system-ui, sans-serif";
  for (const { colour, label } of classesOf(app.config)) {
    pen.fillStyle = colour ?? NOT_JUDGED;
    pen.fillRect(x, y - 10, 12, 12);
    pen.fillStyle = "#1f2933";
    pen.fillText(label, x + 18, y);
    x += 36 + pen.measureText(label).width;
  }
}

const plainText = (parts) => parts.join(" · ");

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
export function writePaper() {
  const one = app.collection();
  const last = lastTotals();
  const { at, shadow, sun } = now();
  const time = one.suns?.[sun - 1];
  const shown = shadow ? t("paper_shadow", { time: time ? `${time} ${t("cet")}` : t("all_times", { n: number(one.suns?.length ?? 0) }) }) : "";
  const legend = make("ul", { class: "classes" }, ...classesOf(app.config).map(({ colour, label }) => make("li", {}, swatch(colour), label)));
  const middle = at && inBox([-180, -90, 180, 90], [at[1], at[0]]) ? `${number(at[0], 4)}, ${number(at[1], 4)}` : "";
  byId("paper").replaceChildren(
    make("h1", {}, t("title")),
    make("p", { class: "subtitle" }, [one.title, last?.name, t("printed", { date: day(new Date().toISOString()) })].filter(Boolean).join(" · ")),
    make("img", { src: canvasNow().toDataURL("image/png"), alt: t("map") }),
    make("div", { class: "paper-legend" }, legend, make("p", {}, [shown, middle && t("paper_middle", { middle })].filter(Boolean).join(" "))),
    make("section", {}, make("h2", {}, last?.name ?? ""), ...(last ? content(app.config, last) : [])),
    make("section", { class: "paper-sources" }, make("h2", {}, t("sources")), ...app.sourcesTold()),
  );
}
