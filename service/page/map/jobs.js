/** Computing what is not there yet: asked, watched, stopped, and found again after a reload. */

import { byId, make, remember, remembered } from "./dom.js";
import { inputsOf } from "./api.js";
import { now, on, set } from "./state.js";
import { nameOf, outline } from "./areas.js";
import { lang, number, say, t } from "./texts.js";

const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5000;
const FINAL = ["successful", "failed", "dismissed"];
let app = null;
let watched = null; // {id, name, area}
let status = null;

/** Go on watching the job that this browser asked for. */
export function startJobs(given) {
  app = given;
  on(["area"], () => byId("job").querySelector(".done")?.remove());
  const job = remembered("job");
  if (job?.id && app.source.compute) watch(job);
}

/**
 * Offer to compute an area, or take the offer away.
 * @param {Object|null} area
 * @param {"incomplete"|Error|null} why it is not there
 */
export function offerJob(area, why) {
  if (watched) return;
  const missing = why === "incomplete" || why?.text === "not_computed";
  const can = area && missing && !wasTried(area) && app.config.can_compute && app.source.compute;
  if (!can) return byId("job").querySelector(".offer")?.remove();
  const most = app.config.limits?.area_km2;
  byId("job").replaceChildren(
    make("div", { class: "job offer" },
      make("p", {}, most ? t("compute_offer_most", { most: number(most) }) : t("compute_offer")),
      make("button", { type: "button", class: "first", "data-testid": "compute", onclick: () => begin(area) }, t("compute"))),
  );
}

/** Whether the results are of a job for this very area: what it did not cover lies beyond the
 * inputs, and another would not cover it either. */
export function wasTried(area) {
  return Boolean(area) && JSON.stringify(app.collection().computedFor ?? null) === JSON.stringify(area);
}

async function begin(area) {
  try {
    const like = app.collection().method; // what is computed is judged as what is shown
    const judged = like ? { method: like.name, parameters: like.parameters } : {};
    const job = await app.source.compute({ ...inputsOf(area), ...judged });
    watch({ id: job.jobID ?? job.id, name: nameOf(area), area });
  } catch (problem) {
    conclude(() => app.explain(problem), { class: "hint error", "data-testid": "job-error" });
  }
}

function watch(job) {
  watched = job;
  status = { status: "accepted", progress: 0 };
  remember("job", job);
  write();
  look(job);
}

async function look(job) {
  const since = Date.now();
  while (watched === job) {
    try {
      status = await app.source.job(job.id);
      if (watched !== job) return;
      write();
      if (FINAL.includes(status.status)) return end(job);
    } catch (problem) {
      if (problem.status === 404 || problem.status === 403) return forget(() => t("job_gone"));
      // The service may be starting anew: a job outlives that.
      say(byId("job-told"), () => t("job_waiting"));
    }
    // What takes long is asked after less often.
    const pause = Math.min(PAUSE_MS + (Date.now() - since) / 30, LONGEST_PAUSE_MS);
    await new Promise((done) => setTimeout(done, pause));
  }
}

async function end(job) {
  remember("job", null);
  watched = null;
  if (status.status !== "successful") return;
  await app.addResult(job);
  if (JSON.stringify(now().area) !== JSON.stringify(job.area)) {
    set({ area: job.area });
    outline();
  }
  conclude(() => t("job_done", { name: job.name }), { class: "done", "data-testid": "job-done" });
}

function forget(text) {
  remember("job", null);
  watched = null;
  conclude(text, { class: "done" });
}

/** Say how it went, in whichever language is spoken. */
function conclude(text, attributes) {
  const line = make("p", attributes);
  byId("job").replaceChildren(line);
  say(line, text);
}

async function cancel() {
  const job = watched;
  if (!job) return;
  try {
    await app.source.dismiss(job.id);
    forget(() => t("job_dismissed"));
  } catch (problem) {
    say(byId("job-told"), () => app.explain(problem));
  }
}

/** Write how far the job is; only the words are read aloud, and only when they change. */
export function write() {
  if (!status || !watched) return;
  const done = FINAL.includes(status.status);
  if (done || !byId("job-bar")) {
    byId("job").replaceChildren(
      make("div", { class: "job", "data-testid": "job-box" },
        make("p", {}, make("strong", {}, watched.name)),
        make("progress", { id: "job-bar", "data-testid": "job-bar", max: 100, value: 0, "data-label": "progress", "aria-label": t("progress") }),
        make("p", { id: "job-told", "data-testid": "job-told" }),
        make("p", { class: "hint", id: "job-left", "aria-live": "off" }),
        done ? null : make("button", { type: "button", "data-testid": "job-cancel", "data-text": "cancel", onclick: cancel }, t("cancel"))),
    );
  }
  byId("job-bar").value = status.progress ?? 0;
  if (byId("job-told").textContent !== message()) say(byId("job-told"), message);
  byId("job-left").textContent = done ? "" : left(status);
  byId("job-left").title = blocks(status);
}

/** How the job stands; why it failed the service says in English only. */
function message() {
  const why = status.status === "failed" && lang() === "en" ? status.message ?? "" : "";
  return `${t(`job_${status.status}`)} ${why}`.trim();
}

function left({ seconds_left: seconds, progress }) {
  const parts = [`${number(progress ?? 0)} %`];
  if (Number.isFinite(seconds)) parts.push(seconds < 1 ? t("nearly_done") : t("seconds_left", { n: number(Math.ceil(seconds)) }));
  return parts.join(" · ");
}

/** The parts of the work, for those who ask by pointing. */
function blocks({ blocks_done: made, blocks_planned: planned }) {
  return planned ? t("blocks", { made: number(made), planned: number(planned) }) : "";
}
