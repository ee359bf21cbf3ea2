/** The page's words in the reader's language, and how numbers and days are written. */

let words = {};
let own = {}; // those of the method whose roofs are shown, by language
let language = "en";
const written = new Map(); // elements, and the functions that give their text
let mapless = false;

/** The language in use: "en" or "nl". */
export function lang() {
  return language;
}

/** Take another language, and write all that stands fixed in the page in it. */
export async function speak(wanted) {
  const answer = await fetch(new URL(`texts/${wanted}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`texts of ${wanted}: ${answer.status}`);
  words = await answer.json();
  language = wanted;
  document.documentElement.lang = wanted;
  document.documentElement.classList.remove("silent");
  writeFixed();
}

/** Speak of the roofs of another method: its own words, {en, nl}, go before the page's. */
export function speakOf(theirs = {}) {
  own = theirs;
  writeFixed();
}

/** What `act` gives while the words of another method, {en, nl}, go before the page's. */
export function inWordsOf(theirs, act) {
  const before = own;
  own = theirs ?? {};
  try {
    return act();
  } finally {
    own = before;
  }
}

function writeFixed() {
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = t(element.dataset.text);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
  }
  for (const [element, text] of written) element.textContent = text();
}

/** Write a text that is written anew in another language; without one nothing is said. */
export function say(element, text = () => "") {
  written.set(element, text);
  element.textContent = text();
}

/** Say from now on nothing of a map, which this browser cannot draw. */
export function speakOfNoMap() {
  mapless = true;
  writeFixed();
}

const wordOf = (key) => own[language]?.[key] ?? words[key];

/** The text named `key`, with `{places}` filled; the key itself where there is none. */
export function t(key, values = {}) {
  const text = (mapless && wordOf(`${key}_no_map`)) || (wordOf(key) ?? key);
  return text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

/** Whether there is a text of this name. */
export function known(key) {
  return wordOf(key) !== undefined;
}

/** The pieces of a text of the service, such as sources. */
export function piecesOf(text) {
  return text.split("; ");
}

/** A number as the language writes it; a dash for none. */
export function number(value, digits = 0) {
  if (value === null || value === undefined || !Number.isFinite(Number(value))) return "–";
  const nothing = Number(Number(value).toFixed(digits)) === 0; // written without a minus
  return (nothing ? 0 : Number(value)).toLocaleString(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** A number as either language writes it, 2000.5 or 2000,5; NaN for anything else. */
export function decimalOf(text) {
  return /^\d+([.,]\d+)?$/.test(text.trim()) ? Number(text.replace(",", ".")) : NaN;
}

/** The same with thousands, 2.000,5 or 2,000.5: for what nobody tells to three decimals. */
export function numberOf(text) {
  const mark = /^[1-9]\d{0,2}([.,\s])\d{3}(\1\d{3})*(?!\1)([.,]\d+)?$/.exec(text.trim())?.[1];
  return decimalOf(mark ? text.trim().replaceAll(mark, "") : text);
}

/** A sum in three digits: more of them would say more than the method knows. */
export function about(value) {
  return number(Math.abs(value) < 1000 ? value : Number(Number(value).toPrecision(3)));
}

/** An amount in three digits, with a decimal where it is small. */
export function amount(value) {
  const size = Math.abs(value);
  return size >= 10 || size === 0 ? about(value) : number(value, 1);
}

/** A share of one, in per cent. */
export function percent(share) {
  return `${number(100 * share, share > 0 && share < 0.1 ? 1 : 0)} %`;
}

/** An ISO date in full, or without its year. */
export function day(iso, year = true) {
  const when = new Date(`${String(iso).slice(0, 10)}T12:00:00`);
  if (Number.isNaN(when.getTime())) return String(iso ?? "");
  return when.toLocaleDateString(language === "en" ? "en-GB" : language, {
    day: "numeric", month: "long", year: year ? "numeric" : undefined,
  });
}

/** The name of a month, from 0; style: "long", or "narrow" for a letter. */
export function month(number_, style = "long") {
  return new Date(2015, number_, 15).toLocaleString(language === "en" ? "en-GB" : language, { month: style });
}

/** Items as a phrase: a, b and c. */
export function listed(items) {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} ${t("and")} ${items.at(-1)}`;
}
