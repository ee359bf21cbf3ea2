/** The images that layers of the map draw with, by their names. */

import { ARROW, MARKS, dots, turbineSymbol } from "./symbols.js";

/** Give the map those that every collection may need. */
export function addImages(map) {
  map.addImage("hatch", hatch(), { pixelRatio: 2 });
  map.addImage("arrow", dots(ARROW, 40), { pixelRatio: 2 });
  for (const [kind, { symbol }] of Object.entries(MARKS)) map.addImage(kind, dots(symbol, 40), { pixelRatio: 2 });
}

/** The name of the image of a turbine in a colour, which the map has from now on. */
export function turbineImage(map, colour) {
  const name = `turbine ${colour}`;
  if (!map.hasImage(name)) map.addImage(name, dots(turbineSymbol(colour), 44), { pixelRatio: 2 });
  return name;
}

/** Diagonal lines, for what was not judged. */
function hatch() {
  const side = 16;
  const data = new Uint8ClampedArray(side * side * 4);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const ink = (x + y) % 8 < 2;
      data.set(ink ? [107, 107, 107, 255] : [251, 250, 247, 255], 4 * (y * side + x));
    }
  }
  return { width: side, height: side, data };
}
