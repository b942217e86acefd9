import type { Program } from "../program/types.js";
import { value } from "./packed-step.js";

/**
 * Numbers that are hard to round to bfloat16, kept in narrow maps and read again: whole maps, slices of
 * a wider one, and one that a step copies. For any number of channels; every backend must give the
 * reference's bits.
 */
export function narrowCorners(channels: number): { program: Program; image: Float32Array } {
  const [height, width] = [5, 17];
  const map = [height, width, channels] as const;
  const wide = [height, width, 2 * channels] as const;
  const narrow = { type: "bfloat16" } as const;
  const program: Program = {
    values: [
      value("x", "map", map),
      { ...value("whole", "map", map), ...narrow },
      { ...value("slices", "map", wide), ...narrow },
      { ...value("copy", "map", map), ...narrow },
      value("y", "map", map),
      value("z", "map", wide),
    ],
    input: 0,
    steps: [
      {
        ...{ kind: "pointwise", covers: [], input: 0 },
        epilogue: [
          ["store", 0, 1, 0],
          ["store", 0, 2, channels],
          ["mul", 0, 0],
          ["store", 3, 2, 0],
        ],
      },
      { kind: "pointwise", covers: [], input: 1, epilogue: [["store", 0, 3, 0]] },
      {
        ...{ kind: "pointwise", covers: [], input: 3 },
        epilogue: [
          ["load", 1],
          ["add", 0, 1],
          ["store", 2, 4, 0],
        ],
      },
      { kind: "pointwise", covers: [], input: 2, epilogue: [["store", 0, 5, 0]] },
    ],
    outputs: { y: 4, z: 5 },
  };
  const words = new Uint32Array(height * width * channels).map((_, i) => {
    // Pixels without subnormal numbers beside those with.
    const corners = Math.floor(i / channels) % 3 === 0 ? [...NORMAL, ...SUBNORMAL] : NORMAL;
    return corners[i % corners.length] | (i % 5 === 0 ? 0x80000000 : 0);
  });
  return { program, image: new Float32Array(words.buffer) };
}

/** Bits of zero, ties of both sorts and their neighbours, the largest numbers, infinity. */
const NORMAL = [
  0, 0x3f800000, 0x3f808000, 0x3f818000, 0x3f807fff, 0x3f808001, 0x3fffffff, 0x800000, 0x808000,
  0x7f7f7fff, 0x7f7f8000, 0x7f800000, 0x1e3ce508,
];
const SUBNORMAL = [1, 0x7fff, 0x8000, 0x8001, 0x18000, 0x7f7fff, 0x7fffff];
