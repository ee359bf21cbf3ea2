/** The service as this page asks it. Every address is relative, so it may stand in any folder. */

import { addressText } from "./addresses.js";

const ROOT = new URL("../", document.baseURI);
// Types of problems that the page says in its own words.
const TYPES = {
  "urn:daklaag:not-computed": "not_computed",
  "urn:daklaag:no-heights": "no_heights",
  "urn:daklaag:computed-elsewhere": "computed_elsewhere",
};

/** What went wrong, in the words of the service. */
export class Problem extends Error {
  /**
   * @param {number|null} status of HTTP; 0 where there was no answer, null where that matters not
   * @param {string} detail of the service, in English
   * @param {string} text the name of what the page says of it in the reader's language
   */
  constructor(status, detail, text = `problem_${status}`) {
    super(detail);
    Object.assign(this, { status, text });
  }
}

/** The absolute address of a path of the service. */
export function address(path) {
  return new URL(path, ROOT).href;
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(address(path), { credentials: "same-origin", ...options });
  } catch {
    throw new Problem(0, "");
  }
  const text = await answer.text();
  let content = null;
  try {
    content = text ? JSON.parse(text) : null;
  } catch {
    // A proxy's page, perhaps: the status tells.
  }
  const own = TYPES[content?.type];
  if (!answer.ok) throw new Problem(answer.status, own ? "" : (content?.detail ?? content?.title ?? ""), own);
  return content;
}

function post(path, body, headers = {}) {
  const json = { "Content-Type": "application/json", Accept: "application/json" };
  return ask(path, { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) });
}

/** The page's configuration; it stands beside the page. */
export function configuration() {
  return ask(new URL("config.json", document.baseURI), { cache: "no-cache" });
}

/** An area of the page as inputs of a process. */
export function inputsOf(area) {
  if (!area) return {};
  if (area.kind === "place") return { area: area.code };
  if (area.kind === "circle") return { around: { centre: area.centre, radius_m: area.radius } };
  return { area: { type: "Polygon", coordinates: [area.ring] } };
}

const name = encodeURIComponent;

/** Everything that needs a server; `still.js` offers the same to a page without one. */
export const server = {
  /** Totals of an area, or of all where it is null. */
  summary(collection, area, households) {
    const inputs = { collection, ...inputsOf(area) };
    if (households) inputs.households = households;
    return post("processes/summary/execution", { inputs });
  },
  /** Places by name or code: a FeatureCollection. */
  places(text) {
    return ask(`places?q=${name(text)}`);
  },
  /** Addresses, streets, postcodes and places, the nearest to [lon, lat] first: a FeatureCollection. */
  addresses(text, near) {
    return ask(`addresses?q=${name(text)}&near=${near.map((each) => each.toFixed(5)).join(",")}`);
  },
  /** One place with its outline. */
  place(code) {
    return ask(`places/${name(code)}`);
  },
  /** A roof by its row. */
  roof(collection, row) {
    return ask(`collections/${name(collection)}/items/${row}`);
  },
  /** The parts of a roof, of one kind such as planes, as features. */
  async parts(collection, kind, row) {
    const page = await ask(`collections/${name(`${collection}.${kind}`)}/items?row=${row}&limit=1000`);
    return page.features;
  },
  /** The roofs of a building by its number; with a rectangle that holds them it takes less time. */
  async roofsById(collection, id, bbox = null) {
    const within = bbox ? `&bbox=${bbox.join(",")}` : "";
    return (await ask(`collections/${name(collection)}/items?id=${name(id)}${within}&limit=10`)).features;
  },
  /** The addresses of a roof by the number of its building in the BAG, each in a line; of one without it none. */
  async addressesOf({ id }) {
    if (!/^\d{15,16}$/.test(id)) return [];
    return (await ask(`addresses/${id}`)).features.map(addressText);
  },
  /** Roofs in a rectangle, page by page, at most `most` of them: [features, whether that is all]. */
  async roofs(collection, bbox, most) {
    let next = `collections/${name(collection)}/items?bbox=${bbox.join(",")}&limit=1000`;
    const features = [];
    while (next && features.length < most) {
      const page = await ask(next);
      features.push(...page.features);
      next = page.links?.find((one) => one.rel === "next")?.href ?? null;
    }
    return [features, !next];
  },
  /** Ask for an area to be computed; gives the job. */
  compute(inputs) {
    return post("processes/suitability/execution", { inputs }, { Prefer: "respond-async" });
  },
  job(id) {
    return ask(`jobs/${name(id)}`);
  },
  dismiss(id) {
    return ask(`jobs/${name(id)}`, { method: "DELETE" });
  },
  collection(id) {
    return ask(`collections/${name(id)}`);
  },
  report(collection) {
    return ask(`collections/${name(collection)}/files/report.json`);
  },
  tiles(collection, layer) {
    return ask(`collections/${name(collection)}/tiles/${layer}`);
  },
  marks() {
    return ask("marks?limit=1000");
  },
  mark(mark) {
    return post("marks", mark);
  },
  unmark(id) {
    return ask(`marks/${name(id)}`, { method: "DELETE" });
  },
};
