import { type Dataset, rng } from "../data/index.js";

export const SIDE = 8;

/** Bars at one of four angles on noise: learnable in seconds, not trivial. */
export function bars(images: number, seed: number) {
  const pixels = Array.from({ length: images }, (_, i) => {
    const random = rng(seed, "bars", i);
    const at = 1 + random.integer(SIDE - 2);
    return Uint8Array.from({ length: SIDE * SIDE }, (_, p) => {
      const [y, x] = [Math.floor(p / SIDE), p % SIDE];
      const lit = [y === at, x === at, (x + y) % SIDE === at, (x - y + SIDE) % SIDE === at][i % 4];
      return (lit ? 140 : 60) + random.integer(60);
    });
  });
  return {
    length: images,
    label: (i: number) => i % 4,
    image: (i: number) => ({ data: pixels[i], width: SIDE, height: SIDE, channels: 1 as const }),
    source: (i: number) => `bar ${i}`,
  };
}

export const barsData: Dataset = {
  spec: "bars",
  name: "bars",
  classes: ["horizontal", "vertical", "rising", "falling"],
  channels: 1,
  size: [SIDE, SIDE],
  train: bars(150, 1),
  test: bars(50, 2),
  mean: [0.4],
  std: [0.15],
  notes: ["made of bars"],
};
