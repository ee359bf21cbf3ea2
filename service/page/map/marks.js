/** What citizens wish or know of a roof or an area: made, shown, deleted. */

import { byId, make, show } from "./dom.js";
import { now, on, set } from "./state.js";
import { boundsOf } from "./shapes.js";
import { outline, shapeOf } from "./areas.js";
import { drawn } from "./draw.js";
import { chosenRoof } from "./roof.js";
import { goTo, hasMap, put, theMap } from "./mapview.js";
import { day, known, number, t } from "./texts.js";

const WHAT = {
  chance: ["panels", "turbines", "both"],
  not_wanted: ["turbines", "panels", "both"],
  correction: ["existing_panels", "terrace", "demolished", "tree"],
};
const MOST_SHOWN = 50;
let app = null;
let where = null; // {row, id} or {geometry}
let features = null; // all marks, once they came
let lost = null; // why they did not come
let retention = null; // {approved_days, other_days}, as the service states it

/** Make the form work and show what there is. */
export function startMarks(given) {
  app = given;
  byId("mark-form").addEventListener("submit", send);
  byId("mark-draw").addEventListener("click", async () => {
    const area = await drawn("polygon");
    outline(false);
    if (area) place({ geometry: await shapeOf(area) });
    byId("mark-reason").focus();
  });
  byId("mark-area").addEventListener("click", takeArea);
  byId("mark-drop").addEventListener("click", () => {
    place(null);
    byId("mark-draw").focus();
  });
  on(["tab"], ({ tab }) => tab === "marks" && takeRoof());
  theMap().on("moveend", writeLists);
  writeMarks();
  load();
}

/** Mark the roof that is chosen. */
export function markRoof() {
  if (!chosenRoof()) return;
  where = null;
  set({ tab: "marks" });
  byId("tab-marks").focus();
}

/** Take the roof that is chosen, unless an area was. */
function takeRoof() {
  const roof = chosenRoof();
  if (roof && !where?.geometry) place({ row: roof.row, id: roof.id || roof.row });
}

async function takeArea() {
  const { area } = now();
  if (!area) return tell(t("mark_no_area"), true);
  try {
    place({ geometry: await shapeOf(area) });
  } catch (problem) {
    tell(app.explain(problem), true);
  }
}

/** Take what is marked, null for nothing; what was drawn is seen until then. */
function place(target) {
  where = target;
  put("draft", where?.geometry ? [{ type: "Feature", properties: {}, geometry: where.geometry }] : []);
  tell("", true);
  writeWhere();
}

function writeWhere() {
  const told = where ? (where.row !== undefined ? `${t("building")} ${where.id}` : t("mark_on_area")) : t("mark_nowhere");
  byId("mark-where").textContent = told;
  show(byId("mark-drop"), Boolean(where));
}

/** Write form and lists, anew where the language changed. */
export function writeMarks() {
  const kind = document.querySelector("[name=mark-kind]:checked")?.value ?? "chance";
  const choices = Object.keys(WHAT).map((name) =>
    make("label", { class: "choice" },
      make("input", { type: "radio", name: "mark-kind", value: name, checked: name === kind, "data-testid": `mark-kind-${name}`, onchange: writeWhat }),
      make("span", {}, t(`mark_kind_${name}`))),
  );
  byId("mark-kinds").replaceChildren(make("legend", {}, t("mark_kind")), ...choices);
  writeWhat();
  writeWhere();
  writeLists();
}

function writeWhat() {
  const kind = document.querySelector("[name=mark-kind]:checked").value;
  const before = byId("mark-what").value;
  byId("mark-what").replaceChildren(...WHAT[kind].map((name) => make("option", { value: name, selected: name === before }, t(`what_${name}`))));
}

function tell(text, wrong = false) {
  byId("mark-error").textContent = wrong ? text : "";
  byId("mark-told").textContent = wrong ? "" : text;
  if (text) byId(wrong ? "mark-error" : "mark-told").scrollIntoView({ block: "nearest" });
}

async function send(event) {
  event.preventDefault();
  if (!where) return tell(t("mark_nowhere"), true);
  const reason = byId("mark-reason").value.trim();
  if (!reason) {
    tell(t("mark_no_reason"), true);
    return byId("mark-reason").focus();
  }
  const target = where.row !== undefined ? { collection: now().collection, row: where.row } : { geometry: where.geometry };
  try {
    await app.source.mark({ kind: document.querySelector("[name=mark-kind]:checked").value, what: byId("mark-what").value, reason, ...target });
  } catch (problem) {
    return tell(app.explain(problem), true);
  }
  byId("mark-reason").value = "";
  place(null);
  await load();
  tell(t("mark_sent"));
}

async function load() {
  try {
    const answer = await app.source.marks();
    [features, lost] = [answer.features, null];
    retention = answer.retention ?? null;
  } catch (problem) {
    lost = problem;
    return writeLists();
  }
  const drawnOnes = features.filter(({ geometry }) => geometry).map((one) => ({ ...one, properties: { ...one.properties, mark: one.id } }));
  put("marks", drawnOnes.filter(({ geometry }) => geometry.type !== "Point"));
  put("marks-points", drawnOnes.map((one) => ({ ...one, geometry: pointOf(one.geometry) })));
  writeLists();
}

function pointOf(geometry) {
  if (geometry.type === "Point") return geometry;
  const [west, south, east, north] = boundsOf(geometry);
  return { type: "Point", coordinates: [(west + east) / 2, (south + north) / 2] };
}

function writeLists() {
  if (lost) return ["marks-mine", "marks-public"].forEach((id) => fill(id, [], app.explain(lost)));
  if (!features) return;
  const mine = features.filter(({ properties }) => properties.mine);
  const box = theMap().getBounds();
  const near = features.filter(({ properties, geometry }) => !properties.mine && geometry && box.contains(pointOf(geometry).coordinates));
  const days = retention && { approved: number(retention.approved_days), other: number(retention.other_days) };
  byId("marks-kept").textContent = days ? t("marks_kept", days) : "";
  fill("marks-mine", mine, t("marks_none_mine"));
  fill("marks-public", near.slice(0, MOST_SHOWN), t("marks_none"));
}

function fill(id, some, none) {
  const items = some.map((feature) => lineOf(feature));
  byId(id).replaceChildren(...(items.length ? items : [make("li", { class: "hint" }, none)]));
}

function lineOf({ id, geometry, properties: told }) {
  const status = told.mine && known(`mark_${told.status}`) ? t(`mark_${told.status}`) : null;
  const look = geometry && hasMap() && make("button", { type: "button", class: "plain", onclick: () => goTo(boundsOf(geometry), { maxZoom: 17 }) }, t("mark_look"));
  const remove = told.mine && make("button", { type: "button", class: "plain", "data-testid": "mark-delete", onclick: () => forget(id) }, t("mark_delete"));
  return make("li", { "data-testid": told.mine ? "mark-mine" : "mark-public", "data-kind": told.kind },
    make("strong", {}, `${t(`mark_kind_${told.kind}`)}: ${t(`what_${told.what}`)}`),
    told.reason ? make("p", {}, told.reason) : null,
    make("p", { class: "hint" }, [told.building && `${t("building")} ${told.building}`, status, told.created && day(told.created)].filter(Boolean).join(" · ")),
    make("div", { class: "row" }, ...[look, remove].filter(Boolean)));
}

async function forget(id) {
  try {
    await app.source.unmark(id);
    tell(t("mark_deleted"));
    byId("tab-marks").focus();
  } catch (problem) {
    tell(app.explain(problem), true);
  }
  await load();
}
