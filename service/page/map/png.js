/** PNG files as this page needs them: with the size at which they are to be printed. */

const HEAD = 33; // bytes of the signature and of the first chunk, IHDR
const INCH = 0.0254; // [m]
const POLYNOMIAL = 0xedb88320; // of the check sum of a chunk

/** The same picture, a Blob, with its resolution [dots an inch] in a chunk pHYs before its colours. */
export function withResolution(blob, dpi) {
  const chunk = new DataView(new ArrayBuffer(21));
  chunk.setUint32(0, 9); // bytes of its data
  [..."pHYs"].forEach((letter, at) => chunk.setUint8(4 + at, letter.charCodeAt(0)));
  for (const at of [8, 12]) chunk.setUint32(at, Math.round(dpi / INCH)); // across and down
  chunk.setUint8(16, 1); // a metre
  chunk.setUint32(17, checkSum(new Uint8Array(chunk.buffer, 4, 13)));
  return new Blob([blob.slice(0, HEAD), chunk.buffer, blob.slice(HEAD)], { type: blob.type });
}

/** CRC-32 of bytes. */
function checkSum(bytes) {
  let rest = -1;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (rest & 1 ? POLYNOMIAL : 0);
  }
  return ~rest >>> 0;
}
