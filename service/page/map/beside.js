/** What another method says of the same building: folded, in that method's own words. */

import { folded, make } from "./dom.js";
import { methodNamed } from "./methods.js";
import { inBox } from "./shapes.js";
import { inWordsOf } from "./texts.js";

/** The first result of each other method that has the building: [{collection, roof}, ...]. */
export async function besides({ source, config }, collection, roof, point) {
  if (!source.roofsById || !roof.id) return [];
  const mine = collection.method?.name;
  const others = config.collections.filter((one) => one.method?.name !== mine && ownOf(one).test && inBox(one.bbox, point));
  const found = [];
  for (const one of others) {
    if (found.some((before) => before.collection.method.name === one.method.name)) continue;
    const [feature = null] = await source.roofsById(one.name, String(roof.id));
    if (feature) found.push({ collection: one, roof: feature.properties });
  }
  return found;
}

const ownOf = (collection) => methodNamed(collection.method?.name).own;

/** What these say, each folded. */
export function besideSections(found) {
  return found.map(({ collection, roof }) => {
    const { test, words } = ownOf(collection);
    const { title, content } = inWordsOf(words, () => test(roof, collection));
    return folded(make("h3", {}, title), { class: "fold", "data-testid": `beside-${collection.method.name}` }, ...content);
  });
}
