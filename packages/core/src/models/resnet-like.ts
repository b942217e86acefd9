import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import {
  type BatchNormOptions,
  batchNorm,
  conv2d,
  halve,
  type LayerBits,
} from "../graph/layers.js";
import type { Init } from "../graph/types.js";
import { stageOutput } from "./head.js";
import type { Stem } from "./options.js";

export interface ResnetStem {
  readonly out: number;
  readonly stem: Stem;
  readonly bits?: LayerBits;
  /** Name of a ReLU behind `bn1`; none when absent. */
  readonly relu?: string;
  readonly init?: Init;
}

/** `conv1`, `bn1`, where asked for a ReLU and, for ImageNet, `maxpool`. */
export function resnetStem(
  b: GraphBuilder,
  x: string,
  { out, stem, bits, relu, init }: ResnetStem,
): string {
  const large = stem === "imagenet";
  const shape = large ? { kernel: 7, stride: 2 } : { kernel: 3, stride: 1 };
  const conv = conv2d(b, "conv1", x, { out, ...shape, role: "stem", bits, init });
  const norm = batchNorm(b, "bn1", conv);
  const y = relu === undefined ? norm : b.op("relu", [norm], {}, relu);
  if (!large) return y;
  return b.op("max-pool", [y], { kernel: [3, 3], stride: [2, 2], padding: [1, 1] }, "maxpool");
}

interface Downsample {
  readonly out: number;
  readonly stride: number;
  readonly bits?: LayerBits;
  readonly bias?: boolean;
  readonly norm?: BatchNormOptions;
}

/** `${key}.0` 2x2 average pooling (strided only), `${key}.1` real 1x1 convolution, `${key}.2` batch-norm. */
export function downsample(
  b: GraphBuilder,
  key: string,
  x: string,
  { out, stride, bits, bias, norm }: Downsample,
): string {
  const pooled = stride === 2 ? halve(b, `${key}.0`, x) : x;
  const y = conv2d(b, `${key}.1`, pooled, { out, kernel: 1, role: "shortcut", bits, bias });
  return batchNorm(b, `${key}.2`, y, `${key}.2`, norm);
}

export interface Stages {
  readonly width: number;
  readonly depths: readonly number[];
  /** Number of the first stage in the keys: `layer0` or `layer1`. */
  readonly first: 0 | 1;
}

/** Stages `layer<n>.<m>`; the width doubles and the map halves at the start of all but the first. */
export function resnetStages(
  b: GraphBuilder,
  x: string,
  { width, depths, first }: Stages,
  block: (key: string, x: string, shape: { out: number; stride: number }) => string,
): string {
  let map = x;
  depths.forEach((depth, stage) => {
    for (let i = 0; i < depth; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      map = block(`layer${stage + first}.${i}`, map, { out: width * 2 ** stage, stride });
    }
    stageOutput(b, map);
  });
  return map;
}

export function checkStages(
  name: string,
  width: number,
  depths: readonly number[],
  stages: 3 | 4 = 4,
): void {
  const whole = (n: number) => Number.isSafeInteger(n) && n > 0;
  if (!whole(width))
    throw new UsageError(`${name}: width ${width} must be a positive whole number`);
  if (depths.length !== stages || !depths.every(whole)) {
    const count = stages === 3 ? "three" : "four";
    throw new UsageError(
      `${name}: depths ${JSON.stringify(depths)} must be ${count} positive whole numbers, one per stage`,
    );
  }
}
