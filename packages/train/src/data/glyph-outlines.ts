import { cos, sin } from "./portable-math.js";

/**
 * The 36 characters as pen strokes, drawn for this project.
 *
 * One glyph: strokes separated by ";". One stroke: points "x,y" joined by straight lines; an arc
 * "@cx,cy,rx,ry,from,to" (degrees, 0 = right, 90 = down) adds its points. y runs down, from 0 (top) to
 * 1 (base line). Look-alikes are kept apart: 0 has a slash, 1 a flag and a foot, I serifs, Z a bar,
 * B and D serifs on the left, Q a long tail.
 */
const OUTLINES: Record<string, string> = {
  "0": "@.31,.5,.31,.5,0,360; .12,.8 .5,.2",
  "1": ".08,.26 .34,0 .34,1; .06,1 .6,1",
  "2": "@.32,.3,.3,.3,-170,35 .02,1 .64,1",
  "3": "@.3,.26,.28,.26,-155,90 @.3,.76,.33,.24,-90,155",
  "4": ".46,1 .46,0 0,.68 .66,.68",
  "5": ".6,0 .08,0 .05,.435 @.28,.68,.36,.32,-130,145",
  "6": "@.52,.68,.52,.68,-85,-180 @.32,.69,.32,.31,180,540",
  "7": "0,0 .64,0 .2,1",
  "8": "@.32,.26,.26,.26,90,450; @.32,.76,.33,.24,-90,270",
  "9": "@.12,.32,.52,.68,95,0 @.32,.31,.32,.31,0,360",
  A: "0,1 .34,0 .68,1; .12,.66 .56,.66",
  B: "-.1,0 .34,0 @.34,.25,.26,.25,-90,90 0,.5; .34,.5 @.36,.75,.3,.25,-90,90 -.1,1; 0,0 0,1",
  C: "@.36,.5,.36,.5,-48,-312",
  D: "-.1,0 .24,0 @.24,.5,.42,.5,-90,90 -.1,1; 0,0 0,1",
  E: ".6,0 0,0 0,1 .6,1; 0,.5 .48,.5",
  F: ".6,0 0,0 0,1; 0,.48 .48,.48",
  G: "@.35,.5,.35,.5,-48,-335 .67,.56 .38,.56",
  H: "0,0 0,1; .62,0 .62,1; 0,.5 .62,.5",
  I: ".3,0 .3,1; .04,0 .56,0; .04,1 .56,1",
  J: ".22,0 .66,0; .5,0 .5,.7 @.25,.7,.25,.3,0,170",
  K: "0,0 0,1; .6,0 0,.6; .2,.42 .64,1",
  L: "0,0 0,1 .56,1",
  M: "0,1 0,0 .38,.62 .76,0 .76,1",
  N: "0,1 0,0 .64,1 .64,0",
  O: "@.39,.5,.39,.5,0,360",
  P: "0,1 0,0 .34,0 @.34,.28,.29,.28,-90,90 0,.56",
  Q: "@.37,.48,.37,.48,0,360; .4,.62 .78,1.08",
  R: "0,1 0,0 .34,0 @.34,.27,.28,.27,-90,90 0,.54; .28,.54 .64,1",
  S: "@.32,.26,.3,.26,-30,-270 @.32,.76,.32,.24,-90,150",
  T: "0,0 .68,0; .34,0 .34,1",
  U: "0,0 0,.66 @.32,.66,.32,.34,180,0 .64,0",
  V: "0,0 .33,1 .66,0",
  W: "0,0 .2,1 .42,.3 .64,1 .84,0",
  X: "0,0 .64,1; .64,0 0,1",
  Y: "0,0 .34,.5 .68,0; .34,.5 .34,1",
  Z: "0,0 .64,0 0,1 .64,1; .14,.5 .5,.5",
};

/** Degrees of arc per straight piece: deviates by under 0.1 pixel at the sizes drawn. */
const ARC_STEP = 20;

/** Line segments x0, y0, x1, y1 one after another; centred: x and y around 0, height 1. */
export type Segments = Float64Array;

export const GLYPH_CLASSES: readonly string[] = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/** One per class, in the order of `GLYPH_CLASSES`. */
export const GLYPH_SEGMENTS: readonly Segments[] = GLYPH_CLASSES.map((c) => segments(OUTLINES[c]));

function segments(outline: string): Segments {
  const out: number[] = [];
  for (const stroke of outline.split(";")) {
    const points = stroke.trim().split(" ").flatMap(expand);
    for (let i = 1; i < points.length; i++) out.push(...points[i - 1], ...points[i]);
  }
  const xs = out.filter((_, i) => i % 2 === 0);
  const middle = (Math.min(...xs) + Math.max(...xs)) / 2;
  return Float64Array.from(out, (v, i) => (i % 2 === 0 ? v - middle : v - 0.5));
}

/** A point, or the points of an arc. */
function expand(token: string): [number, number][] {
  if (!token.startsWith("@")) {
    const [x, y] = token.split(",").map(Number);
    return [[x, y]];
  }
  const [cx, cy, rx, ry, from, to] = token.slice(1).split(",").map(Number);
  const steps = Math.ceil(Math.abs(to - from) / ARC_STEP);
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / steps) * Math.PI) / 180;
    return [cx + rx * cos(angle), cy + ry * sin(angle)];
  });
}
