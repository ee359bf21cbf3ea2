/** Files of tiles beside the page: read in parts, or whole where the host gives no parts. */

import { FetchSource, PMTiles, Protocol } from "./vendor/pmtiles.js";

const LARGEST = 64 * 1024 * 1024; // [bytes] of what is kept whole

/** That the host gives no parts of a file which is too large to be kept whole. */
class NoRanges extends Error {
  name = "NoRanges";
}

/** What answers the map's requests for `pmtiles://...`. */
export function protocol() {
  const files = new Protocol();
  return (request, abort) => {
    const url = request.url.replace(/^pmtiles:\/\//, "").replace(/(\/\d+){3}$/, "");
    if (!files.get(url)) files.add(new PMTiles(new Archive(url)));
    return files.tile(request, abort);
  };
}

/** One file. */
class Archive extends FetchSource {
  #whole = null;

  /** So many bytes of it, from an offset. */
  async getBytes(offset, length, ...more) {
    this.#whole ??= whole(this.url);
    const all = await this.#whole.catch((problem) => {
      this.#whole = null; // it may come another time
      throw problem;
    });
    return all ? { data: all.slice(offset, offset + length) } : super.getBytes(offset, length, ...more);
  }
}

/** All of a file, or null where its host gives parts. */
async function whole(url) {
  const stop = new AbortController();
  const answer = await fetch(url, { headers: { Range: "bytes=0-6" }, signal: stop.signal });
  if (answer.status === 206) return null;
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  if (Number(answer.headers.get("Content-Length") ?? Infinity) <= LARGEST) return answer.arrayBuffer();
  stop.abort();
  throw new NoRanges(url);
}
