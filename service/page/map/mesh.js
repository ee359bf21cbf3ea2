/** The layer of buildings as solids on the map: made of the tiles that are there, a slice at a time
 * so that no frame waits for it, and drawn by WebGL. */

import { degreesOf } from "./rd.js";
import { Vertices, addBlock, addHouse, addPlanes, bytesOf, heightOf } from "./solid.js";
import { FRAGMENT as SPRITE, VERTEX as ABOVE, drawSprites } from "./sprites.js";

const SLICE_MS = 12;
const MOST = 1_500_000; // vertices, 24 MB; what lies behind them is left flat
const STRIDE = 16; // bytes a vertex
const EARTH = 40_075_016.7; // m along the equator
const VERTEX = `#version 300 es
uniform mat4 matrix; in vec3 position; in vec4 colour; out vec4 paint; out vec2 place;
void main() { gl_Position = matrix * vec4(position, 1.0); paint = colour; place = position.xy; }`;
const FRAGMENT = `#version 300 es
precision highp float; in vec4 paint; in vec2 place; out vec4 seen;
void main() { bool line = paint.a < 0.5 && mod(place.x + place.y, 2.0) < 0.5; seen = vec4(line ? vec3(0.42) : paint.rgb, 1.0); }`;

let map = null;
let drawn = null; // {faces, lines: {buffer, number}, sprites: [{symbol, buffer, number}], vertices: of the faces, origin, matrix}
let wanted = ""; // what the solids on their way, or drawn, are of
let gpu = null; // {gl, program, sprites: another program, matrix}

/** The layer, of a map. */
export function solidLayer(given, id, minzoom) {
  map = given;
  return { id, type: "custom", renderingMode: "3d", onAdd, onRemove: () => lower(), render: (gl, { defaultProjectionData: of }) => map.getZoom() >= minzoom && render(of.mainMatrix) };
}

function onAdd(_, gl) {
  const program = programOf(gl, VERTEX, FRAGMENT);
  gpu = { gl, program, sprites: programOf(gl, ABOVE, SPRITE), matrix: gl.getUniformLocation(program, "matrix") };
}

function programOf(gl, vertex, fragment) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.bindAttribLocation(program, 0, "position");
  gl.bindAttribLocation(program, 1, "colour");
  gl.linkProgram(program);
  return program;
}

function render(projection) {
  if (!drawn) return;
  const { gl, program, matrix } = gpu;
  drawn.matrix = placed(projection, drawn.origin);
  gl.useProgram(program);
  gl.uniformMatrix4fv(matrix, false, drawn.matrix);
  gl.disable(gl.CULL_FACE);
  gl.bindVertexArray(null);
  for (const [kind, { buffer, number }] of [[gl.TRIANGLES, drawn.faces], [gl.LINES, drawn.lines]]) {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(0);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, STRIDE, 0);
    gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, STRIDE, 12);
    gl.drawArrays(kind, 0, number);
  }
  drawSprites(gl, gpu.sprites, drawn.matrix, drawn.sprites);
}

/** What is drawn at a place on the screen [px]: {row, part: its number or null}; null for nothing solid. */
export function solidAt({ x, y }) {
  const { clientWidth: wide, clientHeight: high } = map.getCanvas();
  return drawn?.matrix ? drawn.vertices.ownerAt(drawn.matrix, (2 * x) / wide - 1, 1 - (2 * y) / high) : null;
}

/** The projection of the map, in doubles, of metres from an origin. */
function placed(projection, { x, y, metre }) {
  const of = (row) => [0, 4, 8, 12].map((column) => projection[column + row]);
  const rows = [0, 1, 2, 3].map((row) => {
    const [a, b, c, d] = of(row);
    return [a * metre, b * metre, c * metre, a * x + b * y + d];
  });
  return new Float32Array([0, 1, 2, 3].flatMap((column) => rows.map((row) => row[column])));
}

/** Show no solids any more. */
export function lower() {
  wanted = "";
  replace(null);
}

function replace(next) {
  if (!gpu || (!drawn && !next)) return;
  for (const { buffer } of drawn ? [drawn.faces, drawn.lines, ...drawn.sprites] : []) gpu.gl.deleteBuffer(buffer);
  drawn = next;
  map.triggerRepaint();
}

/**
 * Show the solids of features, unless those of the same `name` are shown or on their way.
 * @param {string} name of the view and of all that the colours follow
 * @param {function} features gives {buildings, parts: of a kind with `fields`, the names of their
 *   number, tilt, azimuth, height, x and y; turbines}, each as the map's sources have them
 * @param {Object} looks {roof(properties), part(properties), wall(row), band(part's properties)} as
 *   colours of CSS, null for the usual one; turbine(properties) as a symbol
 */
export async function raise(name, features, looks) {
  if (name === wanted) return;
  wanted = name;
  const solids = { faces: new Vertices(), lines: new Vertices() };
  const origin = originOf(map.getCenter());
  const { buildings, parts, fields, turbines } = features();
  const grounds = new Map(buildings.map(({ id, properties }) => [id, properties.ground_m]));
  const byRow = new Map();
  const goesOn = () => wanted === name && solids.faces.number < MOST;
  await inSlices(parts, (part) => addPlane(byRow, part, fields, grounds, origin, looks), goesOn);
  await inSlices([...byRow], ([row, mine]) => addPlanes(solids, row, mine, wallOf(looks, row)), goesOn);
  await inSlices(buildings, (one) => addBuilding(solids, one, byRow, origin, looks), goesOn);
  if (wanted !== name) return;
  const sprites = spritesOf(turbines, origin, looks);
  replace({ origin, vertices: solids.faces, faces: uploaded(solids.faces), lines: uploaded(solids.lines), sprites });
}

/** Turbines on their roofs, by their symbols. */
function spritesOf(turbines, origin, looks) {
  const groups = new Map();
  for (const { geometry, properties } of turbines) {
    const symbol = looks.turbine(properties);
    const key = JSON.stringify(symbol);
    if (!groups.has(key)) groups.set(key, { symbol, vertices: new Vertices() });
    const [x, y] = metresFrom(origin, geometry.coordinates);
    groups.get(key).vertices.push(x, y, Number(properties.height_m) || 0, []);
  }
  return [...groups.values()].map(({ symbol, vertices }) => ({ symbol, ...uploaded(vertices) }));
}

/** Do something with each as long as that goes on, so much a frame. */
async function inSlices(items, act, goesOn) {
  let end = performance.now() + SLICE_MS;
  for (const item of items) {
    if (!goesOn()) return;
    act(item);
    if (performance.now() < end) continue;
    await new Promise((done) => requestAnimationFrame(done));
    end = performance.now() + SLICE_MS;
  }
}

function wallOf(looks, row) {
  const wall = looks.wall(row);
  return wall ? bytesOf(wall) : undefined;
}

const mercator = (lon, lat) => [(lon + 180) / 360, (1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2];

function originOf({ lng, lat }) {
  const [x, y] = mercator(lng, lat);
  return { x, y, metre: 1 / (EARTH * Math.cos((lat * Math.PI) / 180)) };
}

/** A point of degrees in metres from the origin. */
function metresFrom({ x, y, metre }, [lon, lat]) {
  const [px, py] = mercator(lon, lat);
  return [(px - x) / metre, (py - y) / metre];
}

function polygonsOf({ geometry: { type, coordinates } }, origin) {
  const polygons = type === "Polygon" ? [coordinates] : coordinates;
  return polygons.map((rings) => rings.map((ring) => ring.map((point) => metresFrom(origin, point))));
}

function addPlane(byRow, part, fields, grounds, origin, looks) {
  const of = part.properties;
  const ground = grounds.get(of.row);
  if (!Number.isFinite(ground) || !Number.isFinite(of[fields.height])) return;
  const [x, y] = metresFrom(origin, degreesOf([of[fields.x], of[fields.y]]));
  const z = heightOf({ x, y, z: of[fields.height] - ground, tilt: of[fields.tilt], azimuth: of[fields.azimuth] ?? null });
  const band = looks.band(of);
  const all = { z, colour: bytesOf(looks.part(of)), part: of[fields.number], band: band && bytesOf(band) };
  const mine = byRow.get(of.row) ?? [];
  byRow.set(of.row, [...mine, ...polygonsOf(part, origin).map((rings) => ({ rings, ...all }))]);
}

function addBuilding(solids, building, byRow, origin, looks) {
  const { id, properties } = building;
  const height = Number(properties.height_m);
  if (!Number.isFinite(height)) return;
  const [polygons, wall] = [polygonsOf(building, origin), wallOf(looks, id)];
  solids.faces.own(id);
  if (byRow.has(id)) addHouse(solids, polygons, byRow.get(id), wall);
  else addBlock(solids, polygons, height, bytesOf(looks.roof(properties)), wall);
}

function uploaded({ bytes, number }) {
  const { gl } = gpu;
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.bufferData(gl.ARRAY_BUFFER, bytes, gl.STATIC_DRAW);
  return { buffer, number };
}

/** How many corners of triangles and how many symbols are drawn: for tests. */
export const cornersDrawn = () => drawn?.faces.number ?? 0;
export const spritesDrawn = () => drawn?.sprites.reduce((sum, { number }) => sum + number, 0) ?? 0;
