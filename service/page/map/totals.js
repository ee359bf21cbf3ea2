/** What the roofs of an area add up to. */

import { byId, make, show, svg } from "./dom.js";
import { now, on } from "./state.js";
import { isDrawn, nameArea, nameOf, placeOf } from "./areas.js";
import { wasTried } from "./jobs.js";
import { swatch } from "./legend.js";
import { classesOf, methodOf, sumsOf } from "./methods.js";
import { number, numberOf, percent, say, t } from "./texts.js";

const FEW = 0.5; // covered of footprints or ground: with less, the figures are not those of the area
const ASIDE = "#000000"; // as the outline of the map.png
const PAUSE_MS = 3000; // before a service that did not answer is asked again, longer each time
const LONGEST_PAUSE_MS = 60_000;
const MOST_HOUSEHOLDS = 100_000_000; // that the service takes
let app = null;
let requests = 0;
let pause = PAUSE_MS;
let households = null; // in the area, as the reader says
let last = null; // what the service answers, with {name, area} of the page
let again = () => {}; // writes once more what is shown

/** Count when area or collection change. */
export function startTotals(given) {
  app = given;
  on(["area"], () => forget());
  on(["collection"], ({ area }) => area || forget()); // then it is another area, too
  on(["area", "collection"], () => count());
  byId("households-form").addEventListener("submit", (event) => {
    event.preventDefault();
    takeHouseholds(byId("households").value.trim());
  });
  byId("area-name-form").addEventListener("submit", (event) => {
    event.preventDefault();
    nameArea(now().area, byId("area-name").value.trim());
    write();
  });
}

/** Count with the households that the reader says, or none; what is no number of them is told. */
function takeHouseholds(text) {
  const given = text ? numberOf(text) : null;
  const right = given === null || (Number.isInteger(given) && given >= 1 && given <= MOST_HOUSEHOLDS);
  byId("households").setAttribute("aria-invalid", String(!right));
  say(byId("households-error"), () => (right ? "" : t("households_wrong")));
  if (!right) return;
  households = given;
  count();
}

/** The households were those of an area that is left. */
function forget() {
  households = null;
  byId("households").value = "";
  byId("households").removeAttribute("aria-invalid");
  say(byId("households-error"));
}

/** The totals that are shown: {name, area, totals, complete}, or null. */
export function lastTotals() {
  return last;
}

/** Ask for the totals of the area and show them. */
export async function count() {
  const { area, collection } = now();
  const turn = (requests += 1);
  byId("totals").setAttribute("aria-busy", "true");
  byId("totals").querySelector("h2")?.replaceChildren(nameOf(area));
  try {
    if (area?.kind === "place") await placeOf(area); // whether it is one, and its name
    const answer = app.collection().name || area ? await app.source.summary(collection, area, households) : null;
    if (turn !== requests) return;
    pause = PAUSE_MS;
    last = answer && { ...answer, heights: app.heightsOf(answer.collection), name: nameOf(area), area };
    write(answer ? writeTotals : writeNothing);
  } catch (problem) {
    if (turn !== requests) return;
    last = null;
    write(() => writeProblem(area, problem));
    if (passes(problem)) askAgain(turn);
  }
  byId("totals").setAttribute("aria-busy", "false");
}

/** Whether it is a fault that passes without the reader: no answer, or one of a service that is ill. */
const passes = ({ status }) => status === 0 || status >= 500;

/** Count again after a while, if nothing else was asked meanwhile. */
function askAgain(turn) {
  setTimeout(() => turn === requests && count(), pause);
  pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
}

/** Write what is to be seen, by default anew, where the language changed. */
export function write(act = again) {
  again = act;
  act();
}

/** Why there are no totals. */
function writeProblem(area, problem) {
  const nothing = problem.status === 404 && problem.text !== "problem_404"; // was computed: no fault
  byId("totals").replaceChildren(make("h2", {}, nameOf(area)), make("p", { class: nothing ? "lead" : "hint error" }, app.explain(problem)));
  show(byId("totals-actions"), Boolean(area));
  show(byId("compare-add"), false);
  show(byId("area-name-form"), false);
  app.offerJob(area, problem);
}

/** Where nothing was computed yet, an area can be. */
function writeNothing() {
  byId("totals").replaceChildren(make("h2", {}, t("no_collections")), make("p", {}, t("no_collections_yet")), ...groundElements());
  show(byId("area-name-form"), false);
  show(byId("totals-actions"), false);
  show(byId("compare-add"), false);
  app.offerJob(null, null);
}

/** Where there are heights to compute from. */
function groundElements() {
  if (!app.config.ground) return [];
  const [west, south, east, north] = app.config.ground.map((degrees) => number(degrees, 3));
  return [make("p", { "data-testid": "ground" }, t("ground", { west, south, east, north }))];
}

function writeTotals() {
  last.name = nameOf(last.area);
  last.tried = wasTried(last.area);
  byId("totals").replaceChildren(
    make("h2", { "data-testid": "totals-title" }, last.name),
    ...content(last),
  );
  byId("totals").dataset.judged = last.totals.counts.judged;
  show(byId("compare-add"), last.totals.counts.selected > 0);
  show(byId("households-form"), last.totals.counts.selected > 0 && Boolean(last.totals.households));
  show(byId("totals-actions"), true);
  show(byId("area-clear"), Boolean(last.area));
  show(byId("area-name-form"), isDrawn(last.area));
  byId("area-name").value = isDrawn(last.area) ? last.name : "";
  app.offerJob(last.area, last.complete === false && !isAll(last) ? "incomplete" : null);
}

/** Whether no more of an area can be computed than was. */
function isAll({ coverage, computable }) {
  return Number.isFinite(computable) && computable <= (coverage?.ground ?? 0) + 1e-3;
}

/** The name of the sentence on an area of which not all was computed; null where all was. */
function missingKey({ complete, tried, coverage, computable }) {
  if (complete !== false) return null;
  return tried || isAll({ coverage, computable }) ? "incomplete_tried" : "incomplete";
}

/** That sentence, or null. */
export function missingIn(last) {
  const key = missingKey(last);
  return key && t(key);
}

/** Totals as elements, for the panel and for the printed page. */
export function content({ totals, complete, tried, coverage, computable, ...by }) {
  const method = methodOf(by);
  const { counts } = totals;
  const missing = missingKey({ complete, tried, coverage, computable });
  if (!counts.selected) return [...covered(coverage), make("p", { class: "lead" }, t(missing ? `${missing}_none` : "complete_none"))];
  const { lead, share, hint, pictures = [], ...sums } = method.own.totals?.(totals, by.method?.parameters) ?? sumsOf(method, totals);
  return [
    ...covered(coverage),
    lead && counts.judged && make("p", { class: "lead" }, lead),
    bar(method, counts),
    tableOf(sums),
    ...pictures,
    share && make("p", { class: "share", "data-testid": "totals-share" }, share),
    missing && make("p", { class: "warning" }, t(missing)),
    hint && make("p", { class: "hint" }, hint),
  ].filter(Boolean);
}

/** Sums as a table: head, the titles of the columns but the first; rows, each with its title first. */
function tableOf({ head, rows }) {
  const titles = [make("td", {}), ...head.map((text) => make("th", { scope: "col" }, text))];
  const lines = rows.map(([title, ...cells]) => make("tr", {}, make("th", { scope: "row" }, title), ...cells.map((text) => make("td", {}, text))));
  const table = make("table", { class: "sums", "data-testid": "totals-table" }, make("thead", {}, make("tr", {}, ...titles)), make("tbody", {}, ...lines));
  return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": t("totals_sum") }, table);
}

/** Which part of footprints and ground the inputs cover, where that is known. */
function covered(coverage) {
  if (!Number.isFinite(coverage?.ground)) return [];
  const { footprints, ground } = coverage;
  const both = Number.isFinite(footprints);
  const text = t(both ? "coverage" : "coverage_ground", { footprints: part(footprints), ground: part(ground) });
  const little = Math.min(ground, both ? footprints : 1) < FEW;
  return [make("p", { class: little ? "coverage little" : "coverage", "data-testid": "totals-coverage" }, text)];
}

/** A share in per cent, rounded down: what is not all is not 100 %. */
function part(share) {
  const digits = share < 0.1 ? 1 : 0;
  const unit = 100 * 10 ** digits;
  return `${number((100 * Math.floor(unit * share + 1e-9)) / unit, digits)} %`;
}

/** What a method remarks of the number of a class, or null. */
function smallOf(method, counts, name) {
  const text = method.own.small?.(counts, name);
  return text ? make("small", {}, text) : null;
}

/** The classes as parts of one bar, with their numbers below. */
function bar(method, counts) {
  const lines = { ...counts.legend, rejected: counts.rejected };
  const aside = counts.legend.set_aside ? [{ name: "set_aside", colour: ASIDE, label: t("class_set_aside") }] : [];
  const kinds = [...classesOf(method), ...aside].map((kind) => ({ ...kind, n: lines[kind.name] ?? 0 }));
  const all = kinds.reduce((sum, { n }) => sum + n, 0);
  let x = 0;
  const parts = kinds.map(({ colour, n }) => {
    const width = all ? (1000 * n) / all : 0;
    x += width;
    return svg("rect", { x: x - width, y: 0, width, height: 24, fill: colour ?? "#d9d7d0" });
  });
  const image = svg("svg", { viewBox: "0 0 1000 24", preserveAspectRatio: "none", class: "bar", "aria-hidden": "true" }, ...parts);
  const items = kinds.map(({ name, colour, label, n }) =>
    make("li", {}, swatch(colour), make("span", { class: "name" }, label, smallOf(method, counts, name)), make("span", { class: "n", "data-testid": `count-${name}` }, number(n)), make("span", { class: "share-of" }, all ? percent(n / all) : "–")),
  );
  return make("div", { class: "shares" }, image, make("ul", { class: "counts" }, ...items));
}
