import {
  type Accuracy,
  type EpochEvent,
  historyCurves,
  type Latency,
  layerCosts,
  type Recipe,
  type Report,
  type Sample,
} from "@onebit/train";
import type { BlockCost } from "onebit/cost";
import { machine } from "../machine.js";
import { bytes, count, duration, percent } from "../terminal.js";
import { version } from "../version.js";

export interface QuickstartResult {
  /** Of training. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
  readonly history: readonly EpochEvent[];
  readonly recipe: Recipe;
  readonly seed: number;
  readonly packed: {
    readonly path: string;
    readonly bytes: number;
    readonly binaryShareOfMacs: number;
    readonly binaryShareOfParameters: number;
  };
  readonly float32Bytes: number;
  /** Held-out images: the float network in ONNX Runtime, the packed one on onebit. */
  readonly float: Accuracy;
  readonly bits: Accuracy;
  /** Fraction of the images with the same top-1 class. */
  readonly agreement: number;
  /** onebit first, peers after. */
  readonly latency: readonly Latency[];
  readonly samples: readonly Sample[];
  readonly confusion: Report["confusion"];
  readonly blocks: readonly BlockCost[];
}

type Row = [name: string, value: string, note: string];

/** The table that the terminal shows and the report opens with. */
export function resultRows(result: QuickstartResult): Row[] {
  const { packed, float32Bytes, float, bits, agreement, latency } = result;
  const [onebit, ...peers] = latency;
  return [
    ["training", duration(result.seconds), `${result.imagesPerSecond.toFixed(0)} images/s`],
    [
      "top-1, float emulation",
      percent(float.top1),
      `${count(float.images)} held-out images, ONNX Runtime`,
    ],
    ["top-1, packed", percent(bits.top1), `same class for ${percent(agreement)}`],
    [
      "size",
      bytes(packed.bytes),
      `float32: ${bytes(float32Bytes)}, ${(float32Bytes / packed.bytes).toFixed(1)} times as much`,
    ],
    [
      "1-bit",
      percent(packed.binaryShareOfMacs, 1),
      `of the multiply-accumulates, ${percent(packed.binaryShareOfParameters, 1)} of the weights`,
    ],
    [`latency, ${onebit.engine}`, `${onebit.medianMs.toFixed(3)} ms`, "one image, one thread"],
    ...peers.map(
      ({ engine, medianMs }): Row => [
        `latency, ${engine}`,
        `${medianMs.toFixed(3)} ms`,
        `${(medianMs / onebit.medianMs).toFixed(2)} times onebit's`,
      ],
    ),
  ];
}

export function quickstartReport(result: QuickstartResult): Report {
  const { history, recipe, seed, samples, confusion, blocks, latency } = result;
  return {
    title: "onebit quickstart",
    summary:
      "A small BNext trained on generated characters (glyphs), packed to 1 bit and measured.",
    facts: resultRows(result).map(([name, value, note]) => ({ name, value, note })),
    curves: historyCurves(history),
    samples,
    confusion,
    latency,
    layers: layerCosts(blocks),
    provenance: { command: "npm start", recipe, seed, version: version(), machine: machine() },
  };
}
