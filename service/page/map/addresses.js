/** How addresses are written. */

/** An address as one text: Oude Delft 12, Delft. */
export function addressText({ properties: { name, place } }) {
  return place ? `${name}, ${place}` : name;
}
