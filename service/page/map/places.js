/** The field that finds a place by name or code: a combobox, by keyboard as well as by mouse. */

import { byId, later, make, show } from "./dom.js";
import { known, number, t } from "./texts.js";

let app = null;
let results = [];
let active = -1;
let searches = 0;
let wanted = false; // whether a list is: no more after a choice, Escape, or when the field is left

/** Make the field work; `chosen(feature)` is told which place it is. */
export function startPlaces(given, chosen) {
  app = given;
  const field = byId("place");
  const soon = later(search, 180);
  field.addEventListener("input", () => {
    wanted = true;
    soon();
  });
  field.addEventListener("blur", () => setTimeout(() => document.activeElement === field || close(), 150));
  field.addEventListener("keydown", (event) => {
    const act = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Escape: close, Enter: () => choose(chosen) }[event.key];
    if (!act) return;
    if (event.key !== "Escape") event.preventDefault();
    act();
  });
  byId("place-list").addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    active = Number(option.dataset.number);
    choose(chosen);
  });
}

async function search() {
  const text = byId("place").value.trim();
  const turn = (searches += 1);
  if (!wanted || text.length < 2) return close();
  try {
    const answer = await app.source.places(text);
    if (turn !== searches || !wanted) return;
    results = answer.features.slice(0, 12);
    list();
    tell(results.length ? t("places_found", { n: number(results.length) }) : t("places_none", { text }));
  } catch (problem) {
    if (turn === searches) tell(app.explain(problem));
  }
}

function tell(text) {
  byId("place-told").textContent = text;
}

function list() {
  active = -1;
  const options = results.map(({ properties }, index) => {
    const kind = known(`kind_${properties.kind}`) ? t(`kind_${properties.kind}`) : properties.kind;
    return make(
      "li",
      { role: "option", id: `place-${index}`, "data-number": index, "data-testid": "place-option", "aria-selected": "false" },
      make("span", {}, properties.name),
      make("small", {}, [kind, properties.code].filter(Boolean).join(" ")),
    );
  });
  byId("place-list").replaceChildren(...options);
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
  const options = [...byId("place-list").children];
  if (!options.length) return;
  expand(true);
  active = (active + step + options.length) % options.length;
  options.forEach((option, index) => option.setAttribute("aria-selected", String(index === active)));
  options[active].scrollIntoView({ block: "nearest" });
  byId("place").setAttribute("aria-activedescendant", options[active].id);
}

async function choose(chosen) {
  if (byId("place-list").hidden && results.length === 0) {
    wanted = true;
    await search();
  }
  const feature = results[active < 0 ? 0 : active];
  if (!feature) return;
  byId("place").value = feature.properties.name;
  searches += 1;
  close();
  tell("");
  results = [];
  chosen(feature);
}
