/** The page: reads its configuration, makes the parts, and joins them. */

import { Problem, configuration, server } from "./api.js";
import { outline, startAreas, writeAreas } from "./areas.js";
import { startCompare, writeCompare } from "./compare.js";
import { keepClear } from "./covered.js";
import { byId, english, make, remember, remembered, show, terms } from "./dom.js";
import { drawing, startDrawing } from "./draw.js";
import { offerJob, startJobs, write as writeJob } from "./jobs.js";
import { choose, showCollection, startLayers } from "./layers.js";
import { startLegend, writeLegend } from "./legend.js";
import { rewriteFailure } from "./loading.js";
import { doWithout, goTo, makeMap, relabel, theMap } from "./mapview.js";
import { markRoof, startMarks, writeMarks } from "./marks.js";
import { cornersDrawn, spritesDrawn } from "./mesh.js";
import { basisOf, methodOf, startMethods } from "./methods.js";
import { openLinked, rewrite, startRoofs } from "./roof.js";
import { startSave } from "./save.js";
import { startSearch, writeSearch } from "./search.js";
import { DEFAULTS, cameBack, fromLink, now, on, set } from "./state.js";
import { still } from "./still.js";
import { startTabs, withoutTab } from "./tabs.js";
import { known, lang, piecesOf, say, speak, speakOf, t } from "./texts.js";
import { count, startTotals, write as writeTotals } from "./totals.js";
import { offerWayBack, startVisits, visit } from "./visits.js";

const NAMES = { en: "English", nl: "Nederlands" };
const app = { config: null, source: server, marks: false, collection, drawing, explain, offerJob, markRoof, addResult, attribution, heightsOf, sourceElements };
// Where nothing was computed yet: the Netherlands, without layers.
const NOTHING = { name: "", title: "", bbox: [3.2, 50.7, 7.3, 53.6], suns: [], layers: [] };
let rewriteNotice = () => {}; // in another language

/** The collection that is shown. */
function collection() {
  const { collections } = app.config;
  return collections.find(({ name }) => name === now().collection) ?? collections[0] ?? { ...NOTHING, bbox: app.config.ground ?? NOTHING.bbox };
}

/** What went wrong, in words for the reader; the service's are English, for want of others. */
function explain(problem) {
  if (!(problem instanceof Problem)) return t("problem");
  const own = known(problem.text);
  const more = !own || lang() === "en" ? problem.message : "";
  return `${t(own ? problem.text : "problem")} ${more}`.trim();
}

/** The AHN versions of a collection by name; null where they are not known. */
function heightsOf(name) {
  return app.config.collections.find((one) => one.name === name)?.heights || null;
}

/** Whose data these are: what always stands on the map. */
function attribution() {
  const one = collection();
  const every = [one.attribution, one.licence, app.config.regions, app.config.basemap?.attribution].filter(Boolean);
  return every.flatMap(piecesOf).map((text) => (known(text) ? t(text) : text));
}

/** Method, data, licences and what is not judged, as elements. */
function sourceElements() {
  const one = collection();
  return [
    terms([...basisOf(one, true), [t("licence"), english(one.licence)]], { class: "terms" }),
    make("p", {}, t("not_judged_here")),
    ...(known("trials") ? [make("p", {}, t("trials"))] : []),
  ];
}

/** The result of a job as a collection, which becomes the one that is shown. */
async function addResult({ id, name, area }) {
  const fresh = await configuration();
  const one = fresh.collections.find((each) => each.name === id) ?? (await resultOf(id));
  const title = one.title && one.title !== id ? one.title : name;
  remember("results", { ...remembered("results"), [id]: title });
  app.config.collections = [...app.config.collections.filter((each) => each.name !== id), { ...one, title, computedFor: area }];
  set({ collection: id });
}

/** A result of the reader's own as the configuration describes others, which does not list it. */
async function resultOf(id) {
  const [described, report] = await Promise.all([server.collection(id), server.report(id)]);
  const bbox = described.extent?.spatial?.bbox?.[0] ?? collection().bbox;
  const { parameters, name } = report.method;
  return {
    name: id, title: id, bbox, suns: parameters.times ?? [], date: parameters.date,
    method: { name, parameters }, attribution: described.attribution, licence: collection().licence,
    layers: report.inputs?.options?.layers ?? [], computed: report.machine?.finished ?? null,
    unselected: report.counts.footprints > report.counts.selected,
  };
}

function writeAttribution() {
  const { attribution: source, licence } = collection();
  const { regions, basemap } = app.config;
  const parts = [...[source, licence, regions].map(english), basemap?.attribution, "MapLibre"].filter(Boolean);
  byId("attribution").replaceChildren(...parts.flatMap((part, at) => (at ? [" · ", part] : [part])));
}

function writeCollections() {
  const { collections } = app.config;
  show(byId("collection-field"), collections.length > 1);
  byId("collection").replaceChildren(...collections.map(({ name, title }) => make("option", { value: name, selected: name === collection().name }, title ?? name)));
  // Where results are chosen from, the field has their name already.
  byId("collection-line").textContent = collections.length > 1 ? "" : collection().title ?? "";
}

function writeLanguages() {
  const buttons = languages().map((code) =>
    make("button", { type: "button", lang: code, "data-testid": `lang-${code}`, "aria-pressed": String(code === lang()), onclick: () => set({ lang: code }) },
      make("span", { class: "long" }, NAMES[code] ?? code), make("span", { class: "short" }, code.toUpperCase())));
  byId("languages").replaceChildren(...buttons);
}

function writeAbout() {
  byId("about").replaceChildren(
    make("h2", {}, t("about_title")),
    ...(methodOf(collection()).own.about?.(collection()) ?? [t("about_what"), t("about_unsure")]).map((text) => make("p", {}, text)),
    make("h2", {}, t("sources")),
    ...sourceElements(),
    make("h2", {}, t("about_page")),
    make("p", {}, t(app.config.basemap?.url ? "about_basemap" : "about_private")),
    make("p", {}, t("about_software")),
  );
}

/** All that is written in the reader's language. */
function writeAll() {
  for (const act of [writeLanguages, writeCollections, writeAttribution, writeAbout, relabel, rewriteFailure, writeSearch, writeAreas, writeTotals, writeCompare, writeJob, rewrite, rewriteNotice]) act();
  writeLegend(collection());
  if (app.marks) writeMarks();
}

async function changeCollection() {
  set({ sun: sunOf(collection(), now().sun) });
  speakOf(methodOf(collection()).own.words);
  writeLegend(collection());
  writeCollections();
  writeAttribution();
  writeAbout();
  writeAreas();
  offerWayBack();
  await showCollection(collection());
  choose(now().roof);
}

/** The number of a time, if the collection has so many. */
function sunOf({ suns }, number) {
  return Math.min(number, suns?.length ?? 0);
}

function languages() {
  return app.config?.languages ?? Object.keys(NAMES);
}

function firstLanguage(linked) {
  const wishes = [linked.lang, remembered("lang"), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return wishes.find((wish) => languages().includes(wish)) ?? languages()[0];
}

/** Take from the link what is right in it, all else as it is at first, and say what is not right. */
function begin(linked) {
  const { collections } = app.config;
  const one = collections.find(({ name }) => name === linked.collection) ?? collections[0] ?? NOTHING;
  const sun = sunOf(one, linked.sun ?? DEFAULTS.sun);
  set({ ...DEFAULTS, ...linked, sun, collection: one.name || null, lang: firstLanguage(linked) });
  if (linked.collection && linked.collection !== one.name) notice("results_gone", () => ({ name: collection().title || t("area_all") }));
}

/** A result of this browser that the link names, though the configuration does not list it. */
async function linkedResult({ collection: name, area }) {
  if (!name || app.config.static || app.config.collections.some((one) => one.name === name)) return;
  try {
    await addResult({ id: name, name: remembered("results")?.[name] ?? t("result"), area });
  } catch {
    // It has expired, or is somebody else's.
  }
}

/** Say over the map what is named `key`, until the reader closes it or, where nothing works without
 * what is missing, tries again; also in another language. */
function notice(key, values = () => ({}), action = "close") {
  const act = { close: () => show(byId("notice"), false), again: () => location.reload() }[action];
  const button = make("button", { type: "button", "data-testid": `notice-${action}`, onclick: act }, t(action));
  byId("notice").replaceChildren(make("p", {}, t(key, values())), button);
  show(byId("notice"), true);
  rewriteNotice = () => byId("notice").hidden || notice(key, values, action);
}

function startMap() {
  keepClear();
  startLayers(app.config);
}

/** Totals, search and lists need no map. */
function withoutMap(problem) {
  console.warn(problem);
  doWithout(collection().bbox);
  notice(document.createElement("canvas").getContext("webgl2") ? "no_map" : "no_webgl");
}

/** Without these nothing works; where not even the words came, the page has some of its own. */
function withoutStart(problem) {
  console.error(problem);
  if (known("no_start")) notice("no_start", () => ({ why: explain(problem) }), "again");
  else show(byId("no-start"), true);
}

/** Show the place, the area or the roof that the link names. */
async function follow(linked) {
  if (!linked.at) goTo(collection().bbox, { animate: false });
  await outline(!linked.at);
  if (Number.isInteger(linked.roof)) await openLinked(linked.roof);
}

function startParts() {
  on(["collection"], () => changeCollection());
  on(["lang"], async () => {
    await speak(now().lang);
    remember("lang", now().lang);
    say(byId("save-told")); // of the language before
    writeAll();
  });
  byId("collection").addEventListener("change", ({ target }) => visit(app.config.collections.find(({ name }) => name === target.value)));
  addEventListener("hashchange", async ({ newURL }) => {
    // The page may have rewritten its address between the link that was followed and this event.
    const followed = fromLink(new URL(newURL).hash);
    // Who goes back does not want the language of then.
    const linked = cameBack() ? { ...followed, lang: now().lang } : followed;
    await linkedResult(linked);
    begin(linked);
    if (linked.at) theMap().jumpTo({ center: [linked.at[1], linked.at[0]], zoom: linked.at[2], pitch: linked.at[3], bearing: linked.at[4] });
    await follow(linked);
  });
  startLegend(collection);
  for (const start of [startAreas, startTotals, startRoofs, startSave, startJobs]) start(app);
  startSearch(app);
  startDrawing();
  startVisits(collection);
  startCompare();
  if (app.marks) startMarks(app);
}

/** Take the configuration and the methods that it names. */
async function configure() {
  app.config = await configuration();
  if (app.config.static) app.source = still(app.config);
  await startMethods(app.config.methods);
}

async function start() {
  const linked = fromLink();
  const configured = configure();
  configured.catch(() => {}); // is said when there are words
  await speak(firstLanguage(linked));
  await configured;
  app.marks = Boolean(app.config.marks) && !app.config.static;
  startTabs();
  if (!app.config.collections.length && !app.config.can_compute) return notice("no_collections");
  await linkedResult(linked);
  begin(linked);
  if (now().lang !== lang()) await speak(now().lang);
  if (!app.marks) withoutTab("marks");
  show(byId("marks-field"), app.marks);
  await makeMap(app.config).then(startMap).catch(withoutMap);
  startParts();
  const shown = changeCollection();
  writeAll();
  byId("panel").inert = false;
  await Promise.all([count(), shown.then(() => follow(linked))]);
  if (!theMap().loaded()) await new Promise((done) => theMap().once("idle", done));
}

// For tests: the map, and a promise that all is shown.
window.daklaag = { get map() { return theMap(); }, get corners() { return cornersDrawn(); }, get sprites() { return spritesDrawn(); }, ready: null };
window.daklaag.ready = start().catch(withoutStart).finally(() => byId("loading").replaceChildren());
