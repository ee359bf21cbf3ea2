/** The methods by which roofs are judged: what each declares, and the module of its own, if it has one.
 *
 * Such a module, methods/NAME.js, exports any of:
 *   words                    {en, nl}: texts that go before the page's and the declaration's
 *   headline(roof, collection, parts)  what the card of a judged roof says first: {lead, likely, line}; parts:
 *                            properties of those that came
 *   card(roof, collection)   what the card says beside height and area: [[term, value], ...]
 *   pictures(roof, collection)  of the roof's numbers, each with the same as a table: elements
 *   because(roof, collection)  sentences on why the roof has its class
 *   remarks(roof, collection)  what is said below the card's figures
 *   mattersNot(flag, roof)   whether a flag of the roof is not worth a word
 *   test(roof, collection)   what is said, folded, in the card that another method has of the same building:
 *                            {title, content}
 *   rank(roof)               the number by which roofs are listed, largest first; rankOf(number) in words
 *   sources(collection, whole)  what the roofs rest on besides: [[term, value], ...]
 *   about(collection)        paragraphs on what the classes mean
 *   yields(totals)           what the roofs of an area give in a year, each with its interval: sentences
 *   totals(totals)           {lead, head, rows, share, hint}: sentences, and a table with its titles
 *   small(counts, name)      what is remarked of the number of a class, or null
 *   measures                 what areas are compared by: [[name, value(totals), write(value)], ...]
 *   derived(sections, parameters, households)  sections of the report that follow from its sums
 *   partOrder(one, other)    which of two parts of a roof comes first: as a comparison of Array.sort
 *   chip(part, column)       a part in short: {title, figures, falls}, the last in degrees from north, null if flat
 *   partLines(part)          what else is said of it while it is chosen: elements
 *   moments                  by layer, of which one moment can be chosen: {chosen(collection): its name or null,
 *                            label(collection): its name in words, key(collection): what its colour means}
 *   colouring(collection)    what roofs are coloured by instead of class, scale or verdict, or null:
 *                            {title, expression: of the map, colourOf(roof): the same of one, entries: [{colour, label}, ...]}
 *   solid                    of a kind of parts, where in space they lie: {its name: {tilt, azimuth, height,
 *                            x, y, room}}, the names of the fields: degrees, above NAP and in RD [m]; usable area [m2]
 *   choice                   of the above: {make(): an element to choose by, write(collection): make
 *                            that say what is chosen}
 */

import { english } from "./dom.js";
import { amount, day, known, lang, number, t } from "./texts.js";

const NONE = { name: "", columns: [], parts: [], classes: [], layers: [], totals: [], reasons: {}, flags: {}, own: {} };
let methods = {};

/** Take the methods of the configuration, and fetch their modules. */
export async function startMethods(declared) {
  const loaded = await Promise.all(Object.values(declared).map(async (method) => {
    const own = method.module ? await import(`./methods/${method.name}.js`) : {};
    return [method.name, { ...method, own }];
  }));
  methods = Object.fromEntries(loaded);
}

/** The method of a name; the first where none is named. */
export function methodNamed(name = Object.keys(methods)[0]) {
  return methods[name] ?? NONE;
}

/** The method of a collection. */
export function methodOf(collection) {
  return methodNamed(collection.method?.name);
}

/** In the reader's language, of {en, nl}. */
export function inWords(words) {
  return words[lang()] ?? words.en;
}

/** The classes of a method in their order, {name, colour, label}, those not judged last. */
export function classesOf(method) {
  const own = method.classes.map(({ name, colour, title }) => ({ name, colour, label: inWords(title) }));
  return [...own, { name: "rejected", colour: null, label: t("class_rejected") }];
}

/** The layers of a collection that the page draws, the lowest first. */
export function layersOf(collection) {
  return methodOf(collection).layers.filter(({ name }) => collection.layers?.includes(name));
}

/** Whether a layer is the ground that is always shown, below all others. */
export function isGround({ drawn }) {
  return drawn.kind === "grey";
}

/** The layers of a collection that a reader switches on and off. */
export function switchable(collection) {
  return layersOf(collection).filter((layer) => !isGround(layer));
}

/** What the roofs of a collection rest on: [[term, value], ...]; whole: with all times of the sun. */
export function basisOf(collection, whole = false) {
  return [
    [t("method"), collection.method?.name ?? null],
    ...(methodOf(collection).own.sources?.(collection, whole) ?? []),
    [t("heights"), heightsInWords(collection)],
    [t("computed"), collection.computed ? day(collection.computed) : null],
    [t("source"), english(collection.attribution)],
  ];
}

/** The AHN versions of a collection's heights with the years of their flights; null where they are not known. */
export function heightsInWords({ heights, flown = {} }) {
  if (!heights) return null;
  const withYears = (version) => (flown[version]?.length ? t("flown", { version, years: flown[version].join(", ") }) : version);
  return heights.split(", ").map(withYears).join(", ");
}

/** What a reason or a flag says: in the page's words, else as declared. */
export function termOf(method, kind, name) {
  const key = `${{ reasons: "rejected", flags: "flag" }[kind]}_${name}`;
  if (known(key)) return t(key);
  return method[kind][name] ? inWords(method[kind][name]) : name;
}

/** A list of numbers of a roof: of the service a number a column, of a tile a text; [] where there is none. */
export function listOf(roof, name) {
  if (roof[name]) return String(roof[name]).split(",").map(Number);
  const list = [];
  while (Number.isFinite(roof[`${name}_${list.length + 1}`])) list.push(roof[`${name}_${list.length + 1}`]);
  return list;
}

/** A roof's columns that only this method has, as [[title, value], ...]. */
export function ownColumns(method, roof) {
  return method.columns.map((column) => [inWords(column.title), valueOf(column, roof[column.name])]);
}

/** A part of a roof as [[title, value], ...], by the fields of its column. */
export function ownFields({ fields }, part) {
  return fields.map((field) => [inWords(field.title), valueOf(field, part[field.name])]);
}

/** What a method's columns add up to, as a table: {head, rows}. */
export function sumsOf(method, totals) {
  const rows = method.totals.filter(({ listed }) => listed).map((total) => [inWords(total.title), valueOf(total, totals[total.section]?.[total.key]) ?? "–"]);
  return { head: [t("totals_sum")], rows };
}

/** What areas are compared by: [[name, title, value(totals), write(value)], ...]. */
export function measuresOf(method) {
  const { measures, words } = method.own;
  if (measures) return measures.map(([name, ...rest]) => [name, inWords(words)[name], ...rest]);
  return method.totals.filter(({ listed }) => listed).map((total) => [total.name, inWords(total.title), (totals) => totals[total.section]?.[total.key], (value) => valueOf(total, value)]);
}

/** A unit as the page writes it. */
export function unitInWords(unit) {
  return unit.replace(/m2\b/, "m²").replace("/year", ` ${t("a_year")}`);
}

/** A column's unit as it is written behind a value. */
const unitOf = ({ unit }) => (unit ? ` ${unitInWords(unit)}` : "");

/** A number of a column; hectares as small as a roof. */
function written(value, { unit }) {
  if (unit === "ha") return number(value, 2);
  return Number.isInteger(value) ? number(value) : amount(value);
}

/** A value of a column in words; null where it is not known. */
function valueOf(column, value) {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (typeof value === "number") return `${written(value, column)}${unitOf(column)}`;
  if (typeof value === "string" && column.type?.includes("struct")) return valueOf(column, JSON.parse(value));
  if (Array.isArray(value)) return value.map((part) => valueOf(column, part) ?? "–").join("; ");
  if (typeof value === "object") return Object.entries(value).map(([name, part]) => `${name} ${valueOf({}, part) ?? "–"}`).join(", ");
  return String(value);
}
