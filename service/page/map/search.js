/** The one field that finds all: a combobox, by keyboard as well as by mouse. */

import { byId, later, make, show } from "./dom.js";
import { follow } from "./found.js";
import { certain, suggestionsFor } from "./suggestions.js";
import { known, number, say, t } from "./texts.js";

const SOON_MS = 180;
let app = null;
let shown = { text: "", suggestions: [] }; // what is listed, and for which text
let active = -1;
let searches = 0;
let asked = { text: "", done: null }; // the search that is under way
let wanted = false; // whether a list is: no more after a choice, Escape, or when the field is left

/** Make the field work. */
export function startSearch(given) {
  app = given;
  const field = byId("place");
  const soon = later(search, SOON_MS);
  field.addEventListener("input", () => {
    wanted = true;
    soon();
  });
  field.addEventListener("blur", () => setTimeout(() => document.activeElement === field || close(), 150));
  field.addEventListener("keydown", (event) => {
    const act = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Escape: close, Enter: enter }[event.key];
    if (!act) return;
    if (event.key !== "Escape") event.preventDefault();
    act();
  });
  byId("place-list").addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    choose(shown.suggestions[Number(option.dataset.number)]);
  });
}

/** Write in the field's label what is found here. */
export function writeSearch() {
  const key = app.config.addresses ? "search" : "search_no_addresses";
  byId("place-label").textContent = t(key);
  byId("place").placeholder = t(`${key}_short`);
}

/** Bring the suggestions for what is typed, once though Enter and the typing ask for them. */
async function search() {
  const text = byId("place").value.trim();
  if (asked.done && asked.text === text && wanted) return asked.done;
  const turn = (searches += 1);
  asked = { text, done: null };
  if (!wanted || text.length < 2) return close();
  asked.done = bring(text, turn).finally(() => turn === searches && (asked.done = null));
  return asked.done;
}

async function bring(text, turn) {
  try {
    const suggestions = await suggestionsFor(app, text);
    if (turn !== searches || !wanted) return;
    shown = { text, suggestions };
    list();
    tell(() => told(text, suggestions));
  } catch (problem) {
    if (turn === searches) tell(() => app.explain(problem));
  }
}

function told(text, suggestions) {
  if (!suggestions.length) return t("search_none", { text });
  return t(onlySimilar(suggestions) ? "search_similar" : "places_found", { n: number(suggestions.length) });
}

const onlySimilar = (suggestions) => suggestions.length > 0 && suggestions.every(({ match }) => match === "similar");

function tell(text = () => "") {
  say(byId("place-told"), text);
}

function list() {
  active = -1;
  const options = shown.suggestions.map(({ kind, name, detail }, index) => {
    const label = known(`kind_${kind}`) ? t(`kind_${kind}`) : kind;
    return make(
      "li",
      { role: "option", id: `place-${index}`, "data-number": index, "data-testid": "place-option", "data-kind": kind, "aria-selected": "false" },
      make("span", {}, name),
      make("small", {}, [label, known(`point_${detail}`) ? t(`point_${detail}`) : detail].filter(Boolean).join(" ")),
    );
  });
  const lead = onlySimilar(shown.suggestions) ? [make("li", { role: "presentation", class: "lead", "data-testid": "did-you-mean" }, t("did_you_mean"))] : [];
  byId("place-list").replaceChildren(...lead, ...options);
  expand(options.length > 0);
}

function expand(open) {
  show(byId("place-list"), open);
  byId("place").setAttribute("aria-expanded", String(open));
  if (!open) byId("place").removeAttribute("aria-activedescendant");
}

function close() {
  wanted = false;
  expand(false);
  active = -1;
}

function move(step) {
  const options = [...byId("place-list").querySelectorAll("[role=option]")];
  if (!options.length) return;
  expand(true);
  active = (active + step + options.length) % options.length;
  options.forEach((option, index) => option.setAttribute("aria-selected", String(index === active)));
  options[active].scrollIntoView({ block: "nearest" });
  byId("place").setAttribute("aria-activedescendant", options[active].id);
}

/** Take what the arrows chose, else what is meant without doubt; never what is only similar, nor what is found
 * for a text that the reader has typed over meanwhile. */
async function enter() {
  const text = byId("place").value.trim();
  if (shown.text !== text) {
    wanted = true;
    await search();
    if (shown.text !== text || byId("place").value.trim() !== text) return;
  }
  const { suggestions } = shown;
  const one = active < 0 ? certain(suggestions) : suggestions[active];
  if (one) return choose(one);
  expand(suggestions.length > 0);
  if (suggestions.length) tell(() => t(onlySimilar(suggestions) ? "search_similar" : "search_several"));
}

async function choose(suggestion) {
  byId("place").value = suggestion.name;
  searches += 1;
  close();
  shown = { text: suggestion.name, suggestions: [suggestion] };
  tell();
  const text = await follow(app, suggestion);
  if (text) tell(() => text);
}
