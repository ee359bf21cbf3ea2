/** Buildings as solids: neutral walls, and above them roofs in their colours, tilted where their
 * planes are known. Positions are metres to the east, to the south and up from an origin. */

const LIGHT = [0.6, -0.8]; // where walls are light, as from the north-west on maps: (east, south)
const WALL = [214, 210, 201];
const SHADED = 0.22; // of a wall that turns away from the light
const FLOOR = 0.3; // that each wall is high at least [m]
const BAND = 0.25; // of a plane that is chosen, to both sides [m]
const HATCHED = 0; // alpha of what the shader hatches
const START = 1 << 12;

/** Vertices as they go to the graphics card: 16 bytes each, a position and a colour; three a triangle. */
export class Vertices {
  number = 0;
  #owners = []; // [number of the first vertex, {row, part}], ascending
  #floats = new Float32Array(4 * START);
  #bytes = new Uint8Array(this.#floats.buffer);

  /** Add one; colour: [red, green, blue, alpha]. */
  push(x, y, z, [red, green, blue, alpha = 255]) {
    if (4 * this.number === this.#floats.length) this.#grow();
    const at = 4 * this.number;
    this.#floats.set([x, y, z], at);
    this.#bytes.set([red, green, blue, alpha], 4 * (at + 3));
    this.number += 1;
  }

  /** Say of which roof the triangles are that follow, and of which of its parts, null for none. */
  own(row, part = null) {
    this.#owners.push([this.number, { row, part }]);
  }

  /** Whose triangle is the nearest at a place on the screen: {row, part}, or null. matrix: from
   * positions to the screen, by columns; x, y: from -1 to 1, to the right and up. */
  ownerAt(matrix, x, y) {
    let [nearest, found] = [Infinity, null];
    for (let at = 0; at < this.number; at += 3) {
      const depth = depthAt(this.#corners(matrix, at, x, y));
      if (depth < nearest) [nearest, found] = [depth, at];
    }
    return found === null ? null : this.#owners.findLast(([from]) => from <= found)[1];
  }

  /** The corners of a triangle as [to the right, up, depth], seen around a place on the screen. */
  #corners(m, first, x, y) {
    return [0, 4, 8].map((next) => {
      const [px, py, pz] = this.#floats.subarray(4 * first + next, 4 * first + next + 3);
      const of = (row) => m[row] * px + m[row + 4] * py + m[row + 8] * pz + m[row + 12];
      const depth = of(3);
      return [of(0) - x * depth, of(1) - y * depth, depth];
    });
  }

  /** All of them. */
  get bytes() {
    return this.#bytes.subarray(0, 16 * this.number);
  }

  #grow() {
    const larger = new Float32Array(2 * this.#floats.length);
    const bytes = new Uint8Array(larger.buffer);
    bytes.set(this.#bytes); // as floats, colours may be NaN
    [this.#floats, this.#bytes] = [larger, bytes];
  }
}

/** The depth of a triangle at the middle around which its corners are given; Infinity where it is not there. */
function depthAt([[ax, ay, a], [bx, by, b], [cx, cy, c]]) {
  const parts = [bx * cy - cx * by, cx * ay - ax * cy, ax * by - bx * ay];
  const inside = parts.every((part) => part >= 0) || parts.every((part) => part <= 0);
  const depth = (parts[0] * a + parts[1] * b + parts[2] * c) / (parts[0] + parts[1] + parts[2]);
  return inside && depth > 0 ? depth : Infinity;
}

/** A colour of CSS, "#rrggbb" or "rgb(r g b)", as bytes; what the shader hatches for none. */
export function bytesOf(colour) {
  if (!colour) return [251, 250, 247, HATCHED];
  if (colour.startsWith("#")) return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return colour.match(/\d+/g).map(Number);
}

/** The corners of triangles that fill rings, by the even-odd rule: between two heights of corners
 * next to each other the filled parts are trapezoids. */
export function triangles(rings) {
  const sides = rings.flatMap((ring) => ring.slice(1).map((to, at) => [ring[at], to]))
    .filter(([a, b]) => a[1] !== b[1]).map(([a, b]) => (a[1] < b[1] ? [a, b] : [b, a]));
  const levels = [...new Set(sides.flat().map(([, y]) => y))].sort((a, b) => a - b);
  return levels.slice(1).flatMap((high, at) => slab(sides, levels[at], high));
}

function slab(sides, low, high) {
  const across = sides.filter(([a, b]) => a[1] <= low && b[1] >= high).map(([[ax, ay], [bx, by]]) =>
    [low, high].map((y) => ax + ((bx - ax) * (y - ay)) / (by - ay)));
  across.sort((one, other) => one[0] + one[1] - other[0] - other[1]);
  const out = [];
  for (let at = 0; at + 1 < across.length; at += 2) {
    const [[a, d], [b, c]] = [across[at], across[at + 1]];
    out.push([a, low], [b, low], [c, high], [a, low], [c, high], [d, high]);
  }
  return out;
}

/** Add a polygon at the heights that `z(point)` gives. */
function addTop(to, rings, z, colour) {
  for (const point of triangles(rings)) to.push(...point, z(point), colour);
}

/** Add walls below the sides of a polygon, from `z(point)` down to `foot`; none where they are flat. */
function addWalls(to, rings, z, foot, base = WALL) {
  for (const ring of rings) {
    for (let at = 0; at + 1 < ring.length; at += 1) {
      const [[ax, ay], [bx, by]] = [ring[at], ring[at + 1]];
      const [za, zb] = [z(ring[at]), z(ring[at + 1])];
      if (Math.max(za, zb) - foot < 0.05) continue;
      const colour = lit(base, by - ay, ax - bx);
      to.push(ax, ay, foot, colour);
      to.push(bx, by, foot, colour);
      to.push(bx, by, zb, colour);
      to.push(ax, ay, foot, colour);
      to.push(bx, by, zb, colour);
      to.push(ax, ay, za, colour);
    }
  }
}

/** A colour as light as a side is that looks along (east, south), either way. */
function lit(colour, east, south) {
  const turned = Math.abs(east * LIGHT[0] + south * LIGHT[1]) / (Math.hypot(east, south) || 1);
  return colour.map((part) => Math.round(part * (1 - SHADED * (1 - turned))));
}

/** The sides of a polygon but those along the map's axes, where a tile cut it. */
const sidesOf = (rings) => rings.flatMap((ring) => ring.slice(1).map((to, at) => [ring[at], to]))
  .filter(([from, to]) => from.every((part, axis) => part !== to[axis]));

/** Add the edges of a polygon as lines, a little above it. */
function addEdges(to, rings, z, colour) {
  for (const point of sidesOf(rings).flat()) to.push(...point, z(point) + 0.05, colour);
}

/** Add a band along the edges of a polygon, a little above it. */
function addBand(to, rings, z, colour) {
  for (const [[ax, ay], [bx, by]] of sidesOf(rings)) {
    const [x, y] = [by - ay, ax - bx].map((part) => (part * BAND) / Math.hypot(bx - ax, by - ay));
    const corners = [[ax + x, ay + y], [bx + x, by + y], [bx - x, by - y], [ax - x, ay - y]];
    for (const at of [0, 1, 2, 0, 2, 3]) to.push(...corners[at], z(corners[at]) + 0.06, colour);
  }
}

/** The height of a plane at a point: through its centre {x, y, z}, falling by its tilt the way it faces. */
export function heightOf({ x, y, z, tilt, azimuth }) {
  if (azimuth === null) return () => z;
  const [turn, slope] = [(azimuth * Math.PI) / 180, Math.tan((tilt * Math.PI) / 180)];
  const [east, south] = [slope * Math.sin(turn), -slope * Math.cos(turn)];
  return ([px, py]) => z - (px - x) * east - (py - y) * south;
}

/** Add a building of a height without known planes; colour: of its roof. */
export function addBlock(solids, polygons, height, colour, wall) {
  const top = () => Math.max(height, FLOOR);
  for (const rings of polygons) {
    addWalls(solids.faces, rings, top, 0, wall);
    addTop(solids.faces, rings, top, colour);
    addEdges(solids.lines, rings, top, EDGE);
  }
}

const EDGE = [31, 41, 51];

/** Add a piece of a building with planes, [{rings, z(point), colour, part, band}, ...]: walls up to their lowest corner. */
export function addHouse(solids, polygons, planes, wall) {
  const low = lowest(planes);
  for (const rings of polygons) {
    addWalls(solids.faces, rings, () => low, 0, wall);
    addTop(solids.faces, rings, () => low - 0.05, wall ?? WALL);
  }
}

/** Add the planes of the building of a row, and walls from the lowest corner of all up to each; band:
 * the colour of the edges of one that is chosen, null of others. */
export function addPlanes(solids, row, planes, wall) {
  const low = lowest(planes);
  for (const { rings, z, colour, part, band } of planes) {
    solids.faces.own(row);
    addWalls(solids.faces, rings, z, low, wall);
    solids.faces.own(row, part);
    addTop(solids.faces, rings, z, colour);
    addEdges(solids.lines, rings, z, EDGE);
    if (band) addBand(solids.faces, rings, z, band);
  }
}

function lowest(planes) {
  return Math.max(planes.reduce((low, { rings, z }) => Math.min(low, ...rings[0].map(z)), Infinity), FLOOR);
}
