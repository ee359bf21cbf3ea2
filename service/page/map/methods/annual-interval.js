/** How sure a yield is, as pipeline/methods/annual/interval.py says it and by its numbers: an
 * interval that holds it in 80 of 100 cases. */

const Z = 1.28;
const YEAR = 0.04;
const COMMON = 0.125; // year, stations, performance and usable area, which all roofs have in common
const [SKY, PLANES, SHADE] = [0.02, 0.03, 0.25];
const [CLIMATE, FIELD] = [0.4, 0.9]; // of the wind
/** Of a month from its mean, instead of a year from its. */
export const MONTHS = [0.1, 0.21, 0.11, 0.13, 0.11, 0.09, 0.11, 0.08, 0.07, 0.14, 0.1, 0.14];

/** The share of a yield that shade takes, from 0 to 1; 0 of no yield. */
export function shadeOf(kwh, unshaded) {
  return unshaded > 0 ? Math.min(Math.max((unshaded - kwh) / unshaded, 0), 1) : 0;
}

/** The error that a roof does not share with others, as a part of its yield, by the share of shade. */
export function apart(shade) {
  return Math.hypot(SKY, PLANES, SHADE * shade);
}

/** {low, value, high} of a yield; error: what is not common to all roofs, in its unit. */
export function interval(value, error, year = YEAR) {
  if (!value) return { low: value, value, high: value };
  const factor = Math.exp(Z * Math.sqrt(COMMON ** 2 - YEAR ** 2 + year ** 2 + (error / value) ** 2));
  return { low: value / factor, value, high: value * factor };
}

/** The same of turbines, of which climate and field are wrong for all alike (wind/sums.py). */
export function windInterval(value, error) {
  if (!value) return { low: value, value, high: value };
  const factor = Math.exp(Z * Math.hypot(CLIMATE, FIELD, error / value));
  return { low: value / factor, value, high: value * factor };
}

/** The same of shade's own part of a yield, as if all roofs had the same error. */
export function shadeInterval(kwh) {
  return interval(kwh, SHADE * kwh);
}
