/** Shapes on the map, in longitude and latitude. */

const radians = (degrees) => (degrees * Math.PI) / 180;

/** Metres that a degree northward and a degree eastward have at a latitude, on the ellipsoid. */
function degreesAt(latitude) {
  const at = radians(latitude);
  return [
    111_132.09 - 566.05 * Math.cos(2 * at) + 1.2 * Math.cos(4 * at),
    111_415.13 * Math.cos(at) - 94.55 * Math.cos(3 * at) + 0.12 * Math.cos(5 * at),
  ];
}

/** Metres between two points [lon, lat]: on the ellipsoid to a decimetre in 2 km, 6 m in 100 km. */
export function metresBetween([lon1, lat1], [lon2, lat2]) {
  const [north, east] = degreesAt((lat1 + lat2) / 2);
  return Math.hypot((lat2 - lat1) * north, (lon2 - lon1) * east);
}

/** A circle as a closed ring of 96 points. */
export function circleRing([lon, lat], radius) {
  const [north, east] = degreesAt(lat);
  const ring = [];
  for (let part = 0; part <= 96; part += 1) {
    const angle = (part % 96) * (Math.PI / 48);
    ring.push([lon + (radius * Math.cos(angle)) / east, lat + (radius * Math.sin(angle)) / north]);
  }
  return ring;
}

/** Whether a point lies in a ring. */
export function inRing(ring, [x, y]) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [[xi, yi], [xj, yj]] = [ring[i], ring[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Whether a point lies in a geometry of GeoJSON; in none, and in another than polygons, it does not. */
export function inPolygons(geometry, point) {
  const { type, coordinates } = geometry ?? {};
  const polygons = type === "Polygon" ? [coordinates] : type === "MultiPolygon" ? coordinates : [];
  // A point is in if it lies in an odd number of the rings: in the shell, in no hole.
  return polygons.some((rings) => rings.filter((ring) => inRing(ring, point)).length % 2 === 1);
}

/** Whether the last side of a line of points crosses one before it; to touch is not to cross. */
export function crossesItself(points) {
  const [a, b] = points.slice(-2);
  const turn = ([ax, ay], [bx, by], [cx, cy]) => Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));
  const apart = (p, q, r, s) => turn(p, q, r) * turn(p, q, s) < 0;
  return points.slice(0, -2).some((c, at) => apart(a, b, c, points[at + 1]) && apart(c, points[at + 1], a, b));
}

/** [west, south, east, north] of any geometry of GeoJSON. */
export function boundsOf(geometry) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (part) => {
    if (typeof part[0] !== "number") return part.forEach(visit);
    box[0] = Math.min(box[0], part[0]);
    box[1] = Math.min(box[1], part[1]);
    box[2] = Math.max(box[2], part[0]);
    box[3] = Math.max(box[3], part[1]);
  };
  visit(geometry.coordinates);
  return box;
}

/** Whether a point lies in [west, south, east, north]. */
export function inBox([west, south, east, north], [lon, lat]) {
  return lon >= west && lon <= east && lat >= south && lat <= north;
}

/** Whether two rectangles [west, south, east, north] have a point in common. */
export function boxesMeet([west, south, east, north], [left, low, right, high]) {
  return west <= right && east >= left && south <= high && north >= low;
}

/** A number with as many decimals as a tenth of a metre needs in degrees. */
export function rounded(degrees) {
  return Math.round(degrees * 1e6) / 1e6;
}

/** A rectangle as a ring. */
export function boxRing([west, south, east, north]) {
  return [[west, south], [east, south], [east, north], [west, north], [west, south]];
}
