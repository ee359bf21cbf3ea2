/** The panel's tabs, and the sheet that it is on a telephone. */

import { byId, show } from "./dom.js";
import { now, on, set } from "./state.js";

let tabs = [];

/** Make the tabs work: clicks, arrows, Home and End; and the ways past the head. */
export function startTabs() {
  for (const link of document.querySelectorAll(".skip")) {
    const to = byId(link.hash.slice(1));
    link.addEventListener("click", (event) => {
      event.preventDefault(); // what stands behind # is the view
      if (to.closest(".panel")) open(true);
      (to.querySelector("canvas") ?? to).focus();
    });
  }
  // On a telephone the legend has the room of the sheet.
  byId("legend").addEventListener("toggle", ({ target }) => target.open && open(false));
  tabs = [...document.querySelectorAll("[role=tab]")];
  for (const tab of tabs) {
    tab.addEventListener("click", () => set({ tab: nameOf(tab) }));
    tab.addEventListener("keydown", walk);
  }
  on(["tab"], () => {
    showTab();
    open(true);
  });
  on(["roof"], ({ roof }) => roof === null || open(true));
  byId("sheet").addEventListener("click", () => open(!isOpen()));
  showTab();
}

const nameOf = (tab) => tab.getAttribute("aria-controls");

function walk(event) {
  const there = tabs.filter((tab) => !tab.hidden);
  const at = there.indexOf(event.currentTarget);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: there.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const tab = there[(to + there.length) % there.length];
  set({ tab: nameOf(tab) });
  tab.focus();
}

function showTab() {
  const wanted = tabs.some((tab) => nameOf(tab) === now().tab && !tab.hidden) ? now().tab : "area";
  for (const tab of tabs) {
    const chosen = nameOf(tab) === wanted;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    show(byId(nameOf(tab)), chosen);
  }
}

/** Take a tab away, for what this map does not offer. */
export function withoutTab(name) {
  const tab = tabs.find((each) => nameOf(each) === name);
  if (tab) show(tab, false);
  showTab();
}

function isOpen() {
  return byId("sheet").getAttribute("aria-expanded") === "true";
}

/** On a telephone, pull the sheet up, or push it down so that the map is seen. */
export function open(wanted) {
  byId("sheet").setAttribute("aria-expanded", String(wanted));
  byId("panel").classList.toggle("closed", !wanted);
}
