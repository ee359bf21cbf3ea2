/** What a typed text is by its form alone: the number of a building, or a point. */

import { degreesOf } from "./rd.js";

const PREFIX = /^NL\.IMBAG\.Pand\./i;
const DIGITS = 16; // of a building's number; a spreadsheet drops the zero before it
const LON = [3, 7.5]; // of the Netherlands, generously [degrees]
const LAT = [50.5, 54];
const RD_X = [-10_000, 300_000]; // likewise [m]
const RD_Y = [289_000, 640_000];
const PAIR = /^(-?\d+(?:[.,]\d+)?)(?:\s*[;,]\s*|\s+)(-?\d+(?:[.,]\d+)?)$/;
const FOUR = /^(\d+),(\d+)\s*[,;\s]\s*(\d+),(\d+)$/; // decimal commas throughout

/** The number of a building that a text is, with all its zeros, or null. */
export function buildingOf(text) {
  const digits = text.trim().replace(PREFIX, "").replace(/\s/g, "");
  return /^\d{15,16}$/.test(digits) ? digits.padStart(DIGITS, "0") : null;
}

/** The point that a text is: {at: [lon, lat], kind: "rd" or "degrees"}, or null. */
export function pointOf(text) {
  const numbers = numbersOf(text.trim());
  if (!numbers) return null;
  const [first, second] = numbers;
  if (within(first, RD_X) && within(second, RD_Y)) return { kind: "rd", at: degreesOf(numbers) };
  if (within(first, LON) && within(second, LAT)) return { kind: "degrees", at: [first, second] };
  if (within(first, LAT) && within(second, LON)) return { kind: "degrees", at: [second, first] };
  return null;
}

const within = (value, [low, high]) => value >= low && value <= high;

/** Two numbers, with the decimal marks of either language; null for anything else. */
function numbersOf(text) {
  const four = FOUR.exec(text);
  if (four) return [`${four[1]}.${four[2]}`, `${four[3]}.${four[4]}`].map(Number);
  const pair = PAIR.exec(text);
  return pair && [pair[1], pair[2]].map((number) => Number(number.replace(",", ".")));
}
