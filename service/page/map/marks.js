/** What citizens wish or know of a roof or an area: made, shown, deleted. */

import { byId, make, show } from "./dom.js";
import { now, on, set } from "./state.js";
import { boundsOf } from "./shapes.js";
import { outline, shapeOf } from "./areas.js";
import { drawn } from "./draw.js";
import { chosenRoof } from "./roof.js";
import { goTo, hasMap, put, theMap } from "./mapview.js";
import { day, known, number, say, t } from "./texts.js";

const WHAT = {
  chance: ["panels", "turbines", "both"],
  not_wanted: ["turbines", "panels", "both"],
  correction: ["existing_panels", "terrace", "demolished", "tree"],
};
const MOST_SHOWN = 50;
let app = null;
let target = null; // of the mark: {row, id} or {geometry}
let features = null; // all marks, once they came
let failure = null; // a Problem, where they did not come
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
  byId("mark-area").addEventListener("click", targetArea);
  byId("mark-drop").addEventListener("click", () => {
    place(null);
    byId("mark-draw").focus();
  });
  on(["tab"], ({ tab }) => tab === "marks" && targetRoof());
  theMap().on("moveend", writeLists);
  writeMarks();
  load();
}

/** Mark the roof that is chosen. */
export function markRoof() {
  if (!chosenRoof()) return;
  target = null;
  set({ tab: "marks" });
  byId("tab-marks").focus();
}

/** Mark the roof that is chosen, unless an area was. */
function targetRoof() {
  const roof = chosenRoof();
  if (roof && !target?.geometry) place({ row: roof.row, id: roof.id || roof.row });
}

async function targetArea() {
  const { area } = now();
  if (!area) return tell(() => t("mark_no_area"), true);
  try {
    place({ geometry: await shapeOf(area) });
  } catch (problem) {
    tell(() => app.explain(problem), true);
  }
}

/** Set what is marked, null for nothing; an area is shown on the map. */
function place(wanted) {
  target = wanted;
  put("draft", target?.geometry ? [{ type: "Feature", properties: {}, geometry: target.geometry }] : []);
  tell();
  writeWhere();
}

function writeWhere() {
  const label = target ? (target.row !== undefined ? `${t("building")} ${target.id}` : t("mark_on_area")) : t("mark_nowhere");
  byId("mark-where").textContent = label;
  show(byId("mark-drop"), Boolean(target));
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
  say(byId("mark-error"), wrong ? text : undefined);
  say(byId("mark-told"), wrong ? undefined : text);
  if (text) byId(wrong ? "mark-error" : "mark-told").scrollIntoView({ block: "nearest" });
}

async function send(event) {
  event.preventDefault();
  if (!target) return tell(() => t("mark_nowhere"), true);
  const reason = byId("mark-reason").value.trim();
  if (!reason) {
    tell(() => t("mark_no_reason"), true);
    return byId("mark-reason").focus();
  }
  const of = target.row !== undefined ? { collection: now().collection, row: target.row } : { geometry: target.geometry };
  try {
    await app.source.mark({ kind: document.querySelector("[name=mark-kind]:checked").value, what: byId("mark-what").value, reason, ...of });
  } catch (problem) {
    return tell(() => app.explain(problem), true);
  }
  byId("mark-reason").value = "";
  place(null);
  await load();
  tell(() => t("mark_sent"));
}

async function load() {
  try {
    const answer = await app.source.marks();
    [features, failure] = [answer.features, null];
    retention = answer.retention ?? null;
  } catch (problem) {
    failure = problem;
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
  if (failure) return ["marks-mine", "marks-public"].forEach((id) => fill(id, [], app.explain(failure)));
  if (!features) return;
  const mine = features.filter(({ properties }) => properties.mine);
  const box = theMap().getBounds();
  const others = features.filter(({ properties, geometry }) => !properties.mine && geometry && box.contains(pointOf(geometry).coordinates));
  const days = retention && { approved: number(retention.approved_days), other: number(retention.other_days) };
  byId("marks-kept").textContent = days ? t("marks_kept", days) : "";
  fill("marks-mine", mine, t("marks_none_mine"));
  fill("marks-public", others.slice(0, MOST_SHOWN), t("marks_none"));
}

function fill(id, chosen, none) {
  const items = chosen.map((feature) => lineOf(feature));
  byId(id).replaceChildren(...(items.length ? items : [make("li", { class: "hint" }, none)]));
}

function lineOf({ id, geometry, properties: mark }) {
  const status = mark.mine && known(`mark_${mark.status}`) ? t(`mark_${mark.status}`) : null;
  const look = geometry && hasMap() && make("button", { type: "button", class: "plain", onclick: () => goTo(boundsOf(geometry), { maxZoom: 17 }) }, t("mark_look"));
  const remove = mark.mine && make("button", { type: "button", class: "plain", "data-testid": "mark-delete", onclick: () => forget(id) }, t("mark_delete"));
  return make("li", { "data-testid": mark.mine ? "mark-mine" : "mark-public", "data-kind": mark.kind },
    make("strong", {}, `${t(`mark_kind_${mark.kind}`)}: ${t(`what_${mark.what}`)}`),
    mark.reason ? make("p", {}, mark.reason) : null,
    make("p", { class: "hint" }, [mark.building && `${t("building")} ${mark.building}`, status, mark.created && day(mark.created)].filter(Boolean).join(" · ")),
    make("div", { class: "row" }, ...[look, remove].filter(Boolean)));
}

async function forget(id) {
  try {
    await app.source.unmark(id);
    tell(() => t("mark_deleted"));
    byId("tab-marks").focus();
  } catch (problem) {
    tell(() => app.explain(problem), true);
  }
  await load();
}
