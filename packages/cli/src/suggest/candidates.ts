import { type DeviceNeeds, deviceNeeds } from "@onebit/convert";
import { UsageError } from "onebit";
import type { Preprocess } from "onebit/image";
import { models } from "onebit/models";
import { pack } from "onebit/pack";
import { type ProgramTensors, programCost } from "onebit/program";
import { randomNetwork } from "../subjects/both-forms.js";
import { type Measured, measured } from "./measured.js";

/** Presets for small images, which suggestions are made of. */
const PRESETS = [
  ...["bnext-femto", "bnext-pico", "bnext-micro", "bnext-nano", "bnext-mini", "reactnet-nano"],
];

/** What their widths are multiplied by. */
const FACTORS = [0.5, 1, 2];

/** A preset at some width, for some images, and what it takes on a device in whole numbers. */
export interface Candidate extends DeviceNeeds {
  readonly model: string;
  readonly widths: readonly number[];
  /** Constants and code. */
  readonly flashBytes: number;
  readonly binaryParameters: number;
  readonly binaryMacs: number;
  readonly measured?: Pick<Measured, "dataset" | "top1" | "integerTop1" | "source">;
}

/** What cannot be built for such images, and why. */
export interface Unfit {
  readonly model: string;
  readonly widths: readonly number[];
  readonly reason: string;
}

export type Input = readonly [channels: number, height: number, width: number];

/** Channels of the narrowest classifier: it has at least so many bytes for each class. */
export const leastFeatures = () => Math.min(...networks().map(([, widths]) => widths.at(-1)!));

/** Every preset at every width, for images and so many classes. */
export async function candidates(
  input: Input,
  classes: number,
): Promise<{ candidates: Candidate[]; unfit: Unfit[] }> {
  const found: Candidate[] = [];
  const unfit: Unfit[] = [];
  for (const [model, widths] of networks()) {
    try {
      found.push(await candidate(model, widths, input, classes));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      unfit.push({ model, widths, reason: error.message });
    }
  }
  return { candidates: found, unfit };
}

/** Each list of widths of a family once. */
function networks(): [model: string, widths: number[]][] {
  const all = PRESETS.flatMap((model) =>
    FACTORS.map((factor): [string, number[]] => [
      model,
      models[model].defaults.widths!.map((width) => width * factor),
    ]),
  );
  const key = ([model, widths]: (typeof all)[number]) => `${models[model].family} ${widths}`;
  // A preset's own widths come before another's multiples.
  const isOwn = ([model, widths]: (typeof all)[number]) =>
    models[model].defaults.widths!.join() === widths.join();
  const ordered = [...all.filter(isOwn), ...all.filter((one) => !isOwn(one))];
  return ordered.filter((one, i) => ordered.findIndex((other) => key(other) === key(one)) === i);
}

async function candidate(
  model: string,
  widths: readonly number[],
  input: Input,
  classes: number,
): Promise<Candidate> {
  const { graph, tensors } = randomNetwork(model, { widths, input, classes });
  const packed = pack(graph, varied(tensors));
  const needs = await deviceNeeds({ ...packed, preprocess: bytes(input) }, { integer: true });
  const { steps } = programCost(packed.program);
  const known = measured.find(
    (one) =>
      one.model === model &&
      one.widths.join() === widths.join() &&
      one.input.join() === input.join(),
  );
  return {
    ...{ model, widths, ...needs, flashBytes: needs.constantBytes + needs.codeBytes },
    binaryParameters: binaryParameters(packed.tensors),
    binaryMacs: steps.reduce((sum, step) => sum + step.binaryMacs, 0),
    measured: known && {
      ...{ dataset: known.dataset, top1: known.top1, integerTop1: known.integerTop1 },
      source: known.source,
    },
  };
}

/** Rows are filled to whole bytes. */
const binaryParameters = (tensors: ProgramTensors) =>
  Object.values(tensors).reduce(
    (sum, { type, data }) => sum + (type === "bits" ? 8 * data.length : 0),
    0,
  );

/** Vectors of a start, whose numbers are all the same, take less room than trained ones. */
function varied(tensors: ReturnType<typeof randomNetwork>["tensors"]): typeof tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([key, { shape, data }]) => {
      if (data.length === 1) return [key, { shape, data }];
      return [key, { shape, data: data.map((x, i) => x + 0.05 * Math.sin(7.31 * i + 1)) }];
    }),
  );
}

function bytes([channels, ...size]: Input): Preprocess | undefined {
  if (channels !== 1 && channels !== 3) return undefined;
  const half = new Array<number>(channels).fill(0.5);
  const how = { crop: "none", interpolation: "bilinear" } as const;
  return { ...how, size: [...size], channels, mean: half, std: half };
}
