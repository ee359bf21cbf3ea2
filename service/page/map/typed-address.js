/** What a typed text may mean as an address, as pipeline/addresses/query.py reads it. */

const POSTCODE = /(?<![\w-])(\d{4})\s?([A-Za-z]{2})(?![\w-])/;
const PART = /^(\d{4})\s?([A-Za-z]?)$/; // of a postcode that is being typed
const NUMBER = /^(\d{1,5})(.*)$/;
const SUFFIX = /^([A-Za-z]{1,2}|bis|hs|huis|\w*\d\w*)$/i;

/** Letters and digits only, without case and accents. */
export function folded(text) {
  return text.normalize("NFKD").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/**
 * The ways to read a text, those with a number first, its last number being the likeliest:
 * [{words, number, suffix, postcode, after}, ...]. number: 0 for none; postcode: what it begins
 * with; after: words behind the number, of a place.
 */
export function readings(text) {
  const [rest, postcode] = withoutPostcode(text);
  const words = (rest.match(/[^\s,;]+/g) ?? []).filter(folded);
  return [...numbered(words, postcode), { words, number: 0, suffix: "", postcode, after: [] }];
}

function withoutPostcode(text) {
  const whole = POSTCODE.exec(text);
  if (whole) return [text.replace(whole[0], " , "), (whole[1] + whole[2]).toUpperCase()];
  const part = PART.exec(text.trim());
  return part ? ["", (part[1] + part[2]).toUpperCase()] : [text, ""];
}

function* numbered(words, postcode) {
  for (let at = words.length - 1; at >= 0; at -= 1) {
    const match = NUMBER.exec(words[at]);
    if (!match || !(at || postcode) || (at === 0 && words.length > 3)) continue;
    const suffix = [match[2]];
    let behind = at + 1;
    while (behind < words.length && SUFFIX.test(words[behind])) suffix.push(words[behind++]);
    yield { words: words.slice(0, at), number: Number(match[1]), suffix: folded(suffix.join("")), postcode, after: words.slice(behind) };
  }
}

/** How similar two folded names are: 1 less the edits that part them, by the longer one's letters. */
export function similarity(one, other) {
  let before = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      row[j] = Math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1));
    }
    before = row;
  }
  return 1 - before[other.length] / Math.max(one.length, other.length, 1);
}
