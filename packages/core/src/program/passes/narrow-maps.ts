import { float32Only } from "../map-types.js";
import type { MapType, Program, ProgramValue, Step } from "../types.js";

/**
 * The program with its maps in one type. bfloat16: every map that may be (map-types.ts); an output that
 * others use as well is copied at the end into a float32 map of its own, which holds the rounded
 * numbers: what callers see is what the network computes with. float32: none is narrower.
 */
export function withMaps(program: Program, type: MapType): Program {
  if (type === "bfloat16") return narrowMaps(program);
  return { ...program, values: program.values.map(widened) };
}

/** Narrower maps, marked in the program, make another network: its logits differ a little. */
function narrowMaps(given: Program): Program {
  const program = withCopiedOutputs(given);
  const wide = float32Only(program);
  const values = program.values.map((value, id): ProgramValue => {
    return wide.has(id) ? value : { ...value, type: "bfloat16" };
  });
  return { ...program, values };
}

function widened({ name, kind, shape }: ProgramValue): ProgramValue {
  return { name, kind, shape };
}

/** Outputs that could be narrow, were they no outputs, and that somebody reads. */
function withCopiedOutputs(program: Program): Program {
  const wide = float32Only({ ...program, outputs: {} });
  const read = readValues(program);
  const values = [...program.values];
  const steps = [...program.steps];
  const outputs = Object.entries(program.outputs).map(([output, id]) => {
    if (wide.has(id) || !read.has(id)) return [output, id];
    const { name, kind, shape } = program.values[id];
    const copy = values.push({ name: unused(`${name}:float32`, values), kind, shape }) - 1;
    steps.push({ kind: "pointwise", covers: [], input: id, epilogue: [["store", 0, copy, 0]] });
    return [output, copy];
  });
  return { ...program, values, steps, outputs: Object.fromEntries(outputs) };
}

function readValues({ steps }: Program): ReadonlySet<number> {
  const loads = (step: Step) => step.epilogue.flatMap((op) => (op[0] === "load" ? [op[1]] : []));
  return new Set(steps.flatMap((step) => [step.input, ...loads(step)]));
}

function unused(name: string, values: readonly ProgramValue[]): string {
  return values.some((value) => value.name === name) ? unused(`${name}'`, values) : name;
}
