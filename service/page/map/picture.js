/** The map as a picture: what is seen beside the legend, with a scale and the north, and for a file
 * also with title, legend and sources. */

import { byId, make } from "./dom.js";
import { now } from "./state.js";
import { lastTotals, missingIn } from "./totals.js";
import { legendOf } from "./legend.js";
import { heightsInWords, inWords, methodOf, switchable } from "./methods.js";
import { sharpened, theMap } from "./mapview.js";
import { withResolution } from "./png.js";
import { paint } from "./symbols.js";
import { day, number, t } from "./texts.js";

const INK = "#1f2933";
const QUIET = "#52606d";
const ROUND_THE_EARTH = 40_075_016.7; // [m], along the equator
const WORLD = 512; // pixels of the world at zoom 0
const LONGEST_BAR = 140; // [px]
const EDGE = 14; // [px] around what is written
const LINE = 15; // [px] from a line that is written to the next
const DPI = 200; // dots an inch of a file
const CSS_DPI = 96; // CSS pixels an inch, as CSS has it
const FONT = "system-ui, sans-serif";

/** The map as it is now, without what lies behind the legend; {canvas, unit} with pixels a CSS one. */
export function mapPicture() {
  const map = theMap();
  map.redraw(); // a canvas forgets what it has shown
  const drawn = map.getCanvas();
  const unit = drawn.width / map.getContainer().clientWidth;
  const beside = Math.round(legendRoom(drawn.width / unit) * unit);
  const canvas = make("canvas", { width: drawn.width - beside, height: drawn.height });
  const pen = canvas.getContext("2d");
  pen.drawImage(drawn, -beside, 0);
  pen.scale(unit, unit);
  drawNorth(pen, canvas.width / unit - 34, 40, map.getBearing());
  // In a slanted view no length is the same everywhere.
  if (map.getPitch() === 0) drawScale(pen, canvas.width / unit - EDGE, canvas.height / unit - EDGE);
  return { canvas, unit };
}

/** The room at the left that the map leaves to its legend, as `goTo` does. */
function legendRoom(wide) {
  return byId("legend").open && wide > 800 ? 265 : 0;
}

/** An arrow to the north with its letter, around a point. */
function drawNorth(pen, x, y, bearing) {
  pen.save();
  pen.translate(x, y);
  plate(pen, -22, -28, 44, 56);
  pen.rotate((-bearing * Math.PI) / 180);
  pen.fillStyle = INK;
  pen.beginPath();
  for (const [px, py] of [[0, -12], [8, 14], [0, 8], [-8, 14]]) pen.lineTo(px, py);
  pen.fill();
  pen.font = `bold 12px ${FONT}`;
  pen.textAlign = "center";
  pen.fillText("N", 0, -15);
  pen.restore();
}

/** A bar of a round length that ends at a corner. */
function drawScale(pen, right, bottom) {
  const { lat } = theMap().getCenter();
  const metres = (Math.cos((lat * Math.PI) / 180) * ROUND_THE_EARTH) / (WORLD * 2 ** theMap().getZoom());
  const length = roundBelow(LONGEST_BAR * metres);
  const wide = length / metres;
  const label = length < 1000 ? `${number(length)} m` : `${number(length / 1000)} km`;
  plate(pen, right - wide - 16, bottom - 34, wide + 16, 34);
  pen.fillStyle = INK;
  pen.fillRect(right - wide - 8, bottom - 12, wide, 4);
  pen.font = `12px ${FONT}`;
  pen.textAlign = "center";
  pen.fillText(label, right - 8 - wide / 2, bottom - 18);
  pen.textAlign = "start";
}

/** The largest 1, 2 or 5 with zeros that is not above a length. */
function roundBelow(length) {
  const ten = 10 ** Math.floor(Math.log10(length));
  return ten * [5, 2, 1].find((part) => part * ten <= length);
}

function plate(pen, x, y, wide, high) {
  pen.fillStyle = "rgb(255 255 255 / 85%)";
  pen.fillRect(x, y, wide, high);
}

/** A file of the map, a Blob: a PNG of 200 dots an inch. */
export async function pictureFile(app) {
  const { canvas, unit } = await sharpened(DPI / CSS_DPI, mapPicture);
  const paper = sheet(app, canvas, unit);
  const blob = await new Promise((done) => { paper.toBlob(done, "image/png"); });
  return withResolution(blob, CSS_DPI * unit);
}

/** A file's picture: title, area and dates above the map; legend, yields and sources below it. */
function sheet(app, canvas, unit) {
  const [wide, high] = [canvas.width / unit, canvas.height / unit];
  const head = 56 + LINE;
  const legend = legendLines(app, wide);
  const sentences = [...yieldLines(), `${t("source")}: ${app.attribution().join(" · ")}`];
  const lines = sentences.flatMap((text) => linesOf(text, wide - 2 * EDGE, 11));
  const foot = 14 + 22 * legend.length + LINE * lines.length;
  const paper = make("canvas", { width: canvas.width, height: Math.round((high + head + foot) * unit) });
  const pen = paper.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, paper.width, paper.height);
  pen.drawImage(canvas, 0, Math.round(head * unit));
  pen.scale(unit, unit);
  writeHead(pen, app, wide);
  legend.forEach((line, at) => writeLegend(pen, line, head + high + 22 * (at + 1)));
  pen.fillStyle = QUIET;
  pen.font = `11px ${FONT}`;
  lines.forEach((line, at) => pen.fillText(line, EDGE, head + high + 22 * legend.length + LINE * (at + 1) + 4));
  return paper;
}

function writeHead(pen, app, wide) {
  pen.fillStyle = INK;
  pen.font = `bold 17px ${FONT}`;
  pen.fillText(t("title"), EDGE, 24, wide - 2 * EDGE);
  pen.fillStyle = QUIET;
  pen.font = `12px ${FONT}`;
  pen.fillText(subtitle(app, "made_on"), EDGE, 44, wide - 2 * EDGE);
  pen.fillText(basis(app.collection()), EDGE, 44 + LINE, wide - 2 * EDGE);
}

/** The heights that results rest on, with the years of their flights, and when they were computed. */
function basis(one) {
  const { computed, heights } = one;
  const parts = [["heights", heights === "" ? t("no_version") : heightsInWords(one)], ["computed", computed && day(computed)]];
  return parts.filter(([, value]) => value).map(([key, value]) => `${t(key)}: ${value}`).join(" · ");
}

/** What the roofs that are counted give in a year, and whether some of the area are missing. */
function yieldLines() {
  const last = lastTotals();
  if (!last) return [];
  const yields = methodOf(last).own.yields?.(last.totals) ?? [];
  return [yields.length && `${last.name}: ${yields.join(" · ")}`, missingIn(last)].filter(Boolean);
}

/** What the picture or the page is of, and of when: results, area, layers, day. */
export function subtitle(app, when) {
  const one = app.collection();
  return [one.title, lastTotals()?.name, ...layerLabels(one), t(when, { date: day(localToday()) })].filter(Boolean).join(" · ");
}

/** The day it is where the reader is, as ISO writes it. */
function localToday() {
  const now_ = new Date();
  return new Date(now_ - now_.getTimezoneOffset() * 60_000).toISOString();
}

/** The layers that are switched on. */
function layerLabels(collection) {
  const layers = switchable(collection).filter(({ name }) => now().shown.includes(name));
  return layers.map(({ name, title }) => methodOf(collection).own.moments?.[name]?.label(collection) ?? inWords(title));
}

const measured = (text, size) => {
  const pen = make("canvas").getContext("2d");
  pen.font = `${size}px ${FONT}`;
  return pen.measureText(text).width;
};

/** A text in lines that are not too wide. */
function linesOf(text, wide, size) {
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && measured(longer, size) <= wide) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** The legend in lines: [[{symbol, label, x}, ...], ...]. */
function legendLines(app, wide) {
  const lines = [[]];
  let x = EDGE;
  const { title, entries } = legendOf(app.collection());
  for (const { symbol, label } of [{ symbol: null, label: `${title}:` }, ...entries]) {
    const room = (symbol ? 40 : 20) + measured(label, 13);
    if (lines.at(-1).length && x + room > wide) {
      lines.push([]);
      x = EDGE;
    }
    lines.at(-1).push({ symbol, label, x });
    x += room;
  }
  return lines;
}

function writeLegend(pen, line, y) {
  pen.font = `13px ${FONT}`;
  for (const { symbol, label, x } of line) {
    if (symbol) paint(pen, symbol, x, y - 11, 13);
    pen.fillStyle = INK;
    pen.fillText(label, symbol ? x + 20 : x, y);
  }
}
