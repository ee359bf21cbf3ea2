/** From the national grid (RD) to longitude and latitude, to a decimetre: the polynomials of
 * Schreutelkamp and Strang van Hees (2001), powers of the distances from Amersfoort in 100 km,
 * which is where the grid of today has it. */

const X = 155_000; // of Amersfoort [m]
const Y = 463_000;
// [power of x, power of y, factor in seconds of arc]
const LATITUDE = [
  [0, 1, 3235.65389], [2, 0, -32.58297], [0, 2, -0.2475], [2, 1, -0.84978], [0, 3, -0.0655], [2, 2, -0.01709],
  [1, 0, -0.00738], [4, 0, 0.0053], [2, 3, -0.00039], [4, 1, 0.00033], [1, 1, -0.00012],
];
const LONGITUDE = [
  [1, 0, 5260.52916], [1, 1, 105.94684], [1, 2, 2.45656], [3, 0, -0.81885], [1, 3, 0.05594], [3, 1, -0.05607],
  [0, 1, 0.01199], [3, 2, -0.00256], [1, 4, 0.00128], [0, 2, 0.00022], [2, 0, -0.00022], [5, 0, 0.00026],
];

/** [lon, lat] of a point in RD [m]. */
export function degreesOf([x, y]) {
  const [across, up] = [(x - X) / 1e5, (y - Y) / 1e5];
  const sum = (terms) => terms.reduce((all, [p, q, factor]) => all + factor * across ** p * up ** q, 0) / 3600;
  return [5.3872035 + sum(LONGITUDE), 52.1551723 + sum(LATITUDE)];
}
