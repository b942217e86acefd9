import { type MapShape, outputShape } from "../../../program/geometry.js";
import type { BinaryConvStep, Step } from "../../../program/types.js";
import { type Accumulate, conv, linear, pointwise, pool, quantise, shuffle } from "./accumulate.js";
import { direct } from "./binary-conv.js";
import { type Compiling, type Dispatch, pixelsOf } from "./compiling.js";
import { compileEpilogue, type EpilogueCode } from "./epilogue.js";
import { canTile, type Form, formName } from "./forms.js";
import {
  beginGathering,
  type Gathering,
  gatherDeclarations,
  gatherWord,
  writeGathered,
} from "./gather.js";
import { Params } from "./params.js";
import { workgroups } from "./shader.js";
import { tiled } from "./tiled.js";

export interface CompiledStep {
  readonly dispatches: readonly Dispatch[];
  /** What computes it, for people. */
  readonly kernel: string;
}

/** Of a binary convolution that can be tiled, and gathers so many values of bits. */
export type ChooseForm = (step: BinaryConvStep, gathered: number) => Form;

export function compileStep(
  compiling: Compiling,
  step: Step,
  index: number,
  chooseForm: ChooseForm,
): CompiledStep {
  const shape = outputShape(compiling.program, step);
  const params = new Params();
  const epilogue = compileEpilogue({ compiling, step, index, shape, params });
  const tilable = step.kind === "binary-conv" && canTile(step);
  const form = tilable ? chooseForm(step, epilogue.gathered.length) : "direct";
  if (tilable && form !== "direct") {
    const main = tiled({ compiling, step, shape, params, epilogue }, form);
    return { dispatches: [main, ...epilogue.after], kernel: form.name };
  }
  const { code, before } = accumulateOf(compiling, step, index, params);
  const main = eachElement(compiling, params, shape, code, epilogue);
  const dispatches = [...(before ? [before] : []), main, ...epilogue.after];
  return { dispatches, kernel: step.kind === "binary-conv" ? formName(form) : "float32" };
}

function accumulateOf(compiling: Compiling, step: Step, index: number, params: Params): Accumulate {
  const given = { compiling, index, params };
  switch (step.kind) {
    case "binary-conv":
      return direct({ ...given, step });
    case "conv":
      return conv({ ...given, step });
    case "linear":
      return linear({ ...given, step });
    case "pool":
      return pool({ ...given, step });
    case "pointwise":
      return pointwise({ ...given, step });
    case "quantise":
      return quantise({ ...given, step });
    case "shuffle":
      return shuffle({ ...given, step });
    default:
      return step satisfies never;
  }
}

/** Threads for 32 channels of 8 pixels, or of one where there is one. */
function eachElement(
  { subgroup }: Compiling,
  params: Params,
  shape: MapShape,
  accumulate: string,
  epilogue: EpilogueCode,
): Dispatch {
  const pixels = pixelsOf(shape);
  const tile = { pixels: pixels === 1 ? 1 : 8, channels: 32 };
  const channelTiles = Math.ceil(shape[2] / 32);
  const threads = 32 * tile.pixels;
  const gathering: Gathering = { epilogue, tile, threads, neighbours: 32, subgroup };
  params.all({ pixels, outChannels: shape[2], channelTiles });
  const main = `
  let thread = local.x;
${beginGathering(gathering)}  let pixel0 = tile / p.channelTiles * ${tile.pixels}u;
  let c0 = tile % p.channelTiles * 32u;
  let channelEnd = p.outChannels;
  let pixel = pixel0 + thread / 32u;
  let c = c0 + thread % 32u;
  if (pixel < p.pixels && c < channelEnd) {
    epilogue(keep(accumulate(pixel, c)), pixel, c, thread);
  }
  ${gatherWord(gathering, "thread")}
${writeGathered(gathering)}`;
  const declarations = `${gatherDeclarations(gathering)}${accumulate}${epilogue.code}`;
  const count = channelTiles * Math.ceil(pixels / tile.pixels);
  return workgroups({ params, count, size: [threads, 1], declarations, main });
}
