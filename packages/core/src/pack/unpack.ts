import { OnebitError } from "../errors.js";
import type { Graph, Tensor } from "../graph/types.js";
import { checkProgram } from "../program/check.js";
import type { Program, ProgramTensors, ValueId } from "../program/types.js";
import { unpackStep } from "./unpack-epilogue.js";
import { describeStep } from "./unpack-step.js";
import { UnpackedValues } from "./unpack-values.js";

/** A packed network as a graph again. */
export interface Unpacked {
  readonly graph: Graph;
  /** By the graph's keys. */
  readonly tensors: { readonly [key: string]: Tensor };
}

/**
 * The float equivalent of a packed program: an ordinary graph for one image [1, C, H, W] (rebatch
 * gives it any other batch) with the same outputs, for tools that know no bits.
 *
 *   1-bit weights   float -1 and +1          scale, shift   mul, add
 *   bits            sign(x - threshold)      mean           global average pool
 *
 * Program values keep their names; other nodes are named "<graph node that the step covers>/<what>".
 * Vectors are [N, C, 1, 1] inside and [N, C] as outputs. Integers and comparisons are exact; sums
 * of floats may be added in another order than the program's backends do. OnebitError where maps are
 * bfloat16, which graphs do not know.
 */
export function unpack(program: Program, tensors: ProgramTensors, name = "unpacked"): Unpacked {
  checkProgram(program, tensors);
  refuseNarrowMaps(program);
  const values = new UnpackedValues(name, program, tensors);
  program.steps.forEach((_, index) => {
    unpackStep(describeStep(values, program, index));
  });
  for (const [output, id] of Object.entries(program.outputs)) {
    values.b.output(output, outputValue(values, program, id));
  }
  return { graph: values.b.build(), tensors: values.tensors };
}

function refuseNarrowMaps({ values }: Program): void {
  const narrow = values.find(({ type }) => type !== undefined);
  if (!narrow) return;
  throw new OnebitError(
    `value "${narrow.name}": float graphs have no ${narrow.type} maps; unpack withMaps(program, "float32")`,
  );
}

function outputValue(values: UnpackedValues, { values: known }: Program, id: ValueId): string {
  if (known[id].kind !== "vector") return values.read(id);
  return values.op("reshape", [values.read(id)], { shape: [0, -1] }, `${known[id].name}/vector`);
}
