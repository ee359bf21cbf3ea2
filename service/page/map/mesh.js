/** The layer of buildings as solids on the map: made of the tiles that are there, a slice at a time
 * so that no frame waits for it, and drawn by WebGL. */

import { degreesOf } from "./rd.js";
import { Vertices, addBlock, addHouse, addPlanes, bytesOf, heightOf } from "./solid.js";

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
let drawn = null; // {faces, lines: {buffer, number}, origin}
let wanted = ""; // what the solids on their way, or drawn, are of
let gpu = null; // {gl, program, matrix}

/** The layer, of a map. */
export function solidLayer(given, id, minzoom) {
  map = given;
  return { id, type: "custom", renderingMode: "3d", onAdd, onRemove: () => lower(), render: (gl, { defaultProjectionData: of }) => map.getZoom() >= minzoom && render(of.mainMatrix) };
}

function onAdd(_, gl) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.bindAttribLocation(program, 0, "position");
  gl.bindAttribLocation(program, 1, "colour");
  gl.linkProgram(program);
  gpu = { gl, program, matrix: gl.getUniformLocation(program, "matrix") };
}

function render(projection) {
  if (!drawn) return;
  const { gl, program, matrix } = gpu;
  gl.useProgram(program);
  gl.uniformMatrix4fv(matrix, false, placed(projection, drawn.origin));
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
  for (const { buffer } of drawn ? [drawn.faces, drawn.lines] : []) gpu.gl.deleteBuffer(buffer);
  drawn = next;
  map.triggerRepaint();
}

/**
 * Show the solids of features, unless those of the same `name` are shown or on their way.
 * @param {string} name of the view and of all that the colours follow
 * @param {function} features gives {buildings, parts: of a kind with `fields`, the names of their
 *   tilt, azimuth, height, x and y}, each as the map's sources have them
 * @param {function} colours gives {roof(properties), part(properties), wall(row)} as colours of CSS
 */
export async function raise(name, features, colours) {
  if (name === wanted) return;
  wanted = name;
  const solids = { faces: new Vertices(), lines: new Vertices() };
  const origin = originOf(map.getCenter());
  const { buildings, parts, fields } = features();
  const grounds = new Map(buildings.map(({ id, properties }) => [id, properties.ground_m]));
  const byRow = new Map();
  const goesOn = () => wanted === name && solids.faces.number < MOST;
  await inSlices(parts, (part) => addPlane(byRow, part, fields, grounds, origin, colours), goesOn);
  await inSlices([...byRow], ([row, mine]) => addPlanes(solids, mine, wallOf(colours, row)), goesOn);
  await inSlices(buildings, (one) => addBuilding(solids, one, byRow, origin, colours), goesOn);
  if (wanted === name) replace({ origin, faces: uploaded(solids.faces), lines: uploaded(solids.lines) });
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

function wallOf(colours, row) {
  const wall = colours.wall(row);
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

function addPlane(byRow, part, fields, grounds, origin, colours) {
  const of = part.properties;
  const ground = grounds.get(of.row);
  if (!Number.isFinite(ground) || !Number.isFinite(of[fields.height])) return;
  const [x, y] = metresFrom(origin, degreesOf([of[fields.x], of[fields.y]]));
  const z = heightOf({ x, y, z: of[fields.height] - ground, tilt: of[fields.tilt], azimuth: of[fields.azimuth] ?? null });
  const colour = bytesOf(colours.part(of));
  const mine = byRow.get(of.row) ?? [];
  byRow.set(of.row, [...mine, ...polygonsOf(part, origin).map((rings) => ({ rings, z, colour }))]);
}

function addBuilding(solids, building, byRow, origin, colours) {
  const { id, properties } = building;
  const height = Number(properties.height_m);
  if (!Number.isFinite(height)) return;
  const [polygons, wall] = [polygonsOf(building, origin), wallOf(colours, id)];
  if (byRow.has(id)) addHouse(solids, polygons, byRow.get(id), wall);
  else addBlock(solids, polygons, height, bytesOf(colours.roof(properties)), wall);
}

function uploaded({ bytes, number }) {
  const { gl } = gpu;
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.bufferData(gl.ARRAY_BUFFER, bytes, gl.STATIC_DRAW);
  return { buffer, number };
}

/** How many corners of triangles are drawn: for tests. */
export const cornersDrawn = () => drawn?.faces.number ?? 0;
