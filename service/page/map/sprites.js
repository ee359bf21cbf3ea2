/** Symbols that stand upright in 3D, each above its point and before all that is solid. */

import { dots } from "./symbols.js";

const SIZE = 22; // as wide as on the flat map [px]
const [DOTS, STRIDE] = [64, 16]; // of an image, along a side; bytes a vertex, of which the first twelve are its position
export const VERTEX = `#version 300 es
uniform mat4 matrix; uniform vec2 size; in vec3 position;
void main() { gl_Position = matrix * vec4(position, 1.0); gl_Position.y += size.y * gl_Position.w; gl_PointSize = size.x; }`;
export const FRAGMENT = `#version 300 es
precision mediump float; uniform sampler2D image; out vec4 seen;
void main() { vec4 paint = texture(image, gl_PointCoord); if (paint.a < 0.5) discard; seen = vec4(paint.rgb, 1.0); }`;

const textures = new WeakMap(); // by the context, of each symbol

/** Draw groups of symbols, [{symbol, buffer: of vertices, number}, ...], with a program of the above. */
export function drawSprites(gl, program, matrix, groups) {
  const wide = SIZE * devicePixelRatio;
  const at = (name) => gl.getUniformLocation(program, name);
  gl.useProgram(program);
  gl.uniformMatrix4fv(at("matrix"), false, matrix);
  gl.uniform2f(at("size"), wide, wide / gl.drawingBufferHeight); // up by half of itself
  gl.uniform1i(at("image"), 0);
  gl.activeTexture(gl.TEXTURE0);
  gl.disable(gl.DEPTH_TEST);
  gl.disableVertexAttribArray(1);
  for (const { symbol, buffer, number } of groups) {
    gl.bindTexture(gl.TEXTURE_2D, textureOf(gl, symbol));
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, STRIDE, 0);
    gl.drawArrays(gl.POINTS, 0, number);
  }
}

function textureOf(gl, symbol) {
  if (!textures.has(gl)) textures.set(gl, new Map());
  const mine = textures.get(gl);
  const name = JSON.stringify(symbol);
  if (!mine.has(name)) mine.set(name, made(gl, dots(symbol, DOTS)));
  return mine.get(name);
}

function made(gl, image) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  for (const flag of [gl.UNPACK_FLIP_Y_WEBGL, gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL]) gl.pixelStorei(flag, false);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  return texture;
}
