/** What stands for classes, marks and areas on the map and in its legends: paths in a square of 16,
 * the same for SVG and for a canvas. Marks are told apart by shape and sign, not by colour alone. */

import { make, svg } from "./dom.js";

/** The colour of lines and arrows. */
export const INK = "#1f2933";
const EDGE = "rgb(31 41 51 / 45%)";
const SQUARE = "M0 0h16v16H0Z";
const DISC = "M8 .8a7.2 7.2 0 1 1 0 14.4a7.2 7.2 0 1 1 0-14.4Z";
const BLUE = "#08306b";
/** Points to the north of the map, to be turned. */
export const ARROW = [{ d: "M8 1.5 12.5 13.5 8 10.8 3.5 13.5Z", fill: INK, stroke: "#fff", width: 1.2 }];
const HATCH = "M-2 6 6-2M-2 14 14-2M2 18 18 2M10 18 18 10";
/** The colour of what is chosen: none of the classes' colours, nor like one to any eye. */
export const CHOSEN = "#d6006c";
/** The line around the chosen area. */
export const AREA = [{ d: "M0 8h6M10 8h6", stroke: CHOSEN, width: 3 }];

/** The symbol of a class; hatched where it has no colour. */
export function classSymbol(colour) {
  const hatch = { d: HATCH, stroke: "#6b6b6b", width: 1.6 };
  const edge = { d: SQUARE, stroke: EDGE, width: 2 };
  return [{ d: SQUARE, fill: colour ?? "#fbfaf7" }, ...(colour ? [] : [hatch]), edge];
}

/** The symbol of a palette: its colours from the lowest value to the highest. */
export function paletteSymbol(colours) {
  const stripes = Array.from({ length: 16 }, (_, at) => ({ d: `M${at} 0h1v16h-1Z`, fill: between(colours, at / 15) }));
  return [...stripes, { d: SQUARE, stroke: EDGE, width: 2 }];
}

/** The symbol of several colours of classes, beside each other. */
export function stripesSymbol(colours) {
  const wide = 16 / colours.length;
  return [...colours.map((fill, at) => ({ d: `M${at * wide} 0h${wide}v16h${-wide}Z`, fill })), { d: SQUARE, stroke: EDGE, width: 2 }];
}

/** The colour at a share of a palette, between the two beside it. */
export function between(colours, share) {
  const at = share * (colours.length - 1);
  const parts = (colour) => [1, 3, 5].map((from) => Number.parseInt(colour.slice(from, from + 2), 16));
  const [low, high] = [Math.floor(at), Math.ceil(at)].map((place) => parts(colours[place]));
  return `rgb(${low.map((part, channel) => Math.round(part + (at % 1) * (high[channel] - part))).join(" ")})`;
}

/** The symbol of a mark: a shape of its colour, a sign in it. */
const mark = (colour, shape, sign) => ({
  colour,
  symbol: [{ d: shape, fill: colour, stroke: "#fff", width: 1.2 }, { d: sign, stroke: "#fff", width: 2 }],
});

/** Marks by their kind: {colour, symbol}. */
export const MARKS = {
  chance: mark("#00796b", DISC, "M8 4.2v7.6M4.2 8h7.6"),
  not_wanted: mark("#7b1fa2", "M1.6 1.6h12.8v12.8H1.6Z", "M5 5l6 6M11 5l-6 6"),
  correction: mark(INK, "M8 .8L15.6 15.2H.4Z", "M8 5.4v4.4M8 11.4v2"),
};

/** The symbol of a roof that suits a turbine, three blades on a mast, on a disc of a colour. */
export function turbineSymbol(colour = "#ffffff") {
  const dark = Number.parseInt(colour.slice(1, 3), 16) < 128; // of blues, so by their red
  return [
    { d: DISC, fill: colour, stroke: BLUE, width: 1.3 },
    { d: "M8 7V13.6M8 7V2.4M8 7 12 9.3M8 7 4 9.3", stroke: dark ? "#ffffff" : BLUE, width: 1.7 },
  ];
}

/** A symbol as an image of the page. */
export function svgOf(symbol, name = "swatch") {
  const paths = symbol.map(({ d, fill = "none", stroke = "none", width = 0 }) => svg("path", { d, fill, stroke, "stroke-width": width }));
  return svg("svg", { class: name, viewBox: "0 0 16 16", preserveAspectRatio: "none", "aria-hidden": "true" }, ...paths);
}

/** Draw a symbol on a canvas, so large, with its upper left corner at x, y. */
export function paint(pen, symbol, x, y, size) {
  pen.save();
  pen.translate(x, y);
  pen.scale(size / 16, size / 16);
  pen.clip(new Path2D(SQUARE));
  for (const { d, fill, stroke, width } of symbol) {
    const path = new Path2D(d);
    pen.fillStyle = fill;
    if (fill) pen.fill(path);
    [pen.strokeStyle, pen.lineWidth] = [stroke, width];
    if (stroke) pen.stroke(path);
  }
  pen.restore();
}

/** The dots of a symbol, for an image of the map. */
export function dots(symbol, size) {
  const pen = make("canvas", { width: size, height: size }).getContext("2d");
  paint(pen, symbol, 0, 0, size);
  return pen.getImageData(0, 0, size, size);
}
