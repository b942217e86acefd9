import { readOnebit } from "onebit/file";
import type { Program, Step } from "onebit/program";
import { bothForms } from "../subjects/both-forms.js";
import { bareShape, type ConvShape, shapeName } from "./bare-convolution.js";

export interface KernelShape extends ConvShape {
  /** Networks that have such a convolution. */
  readonly networks: readonly string[];
}

/** The distinct binary convolutions of packed networks, first the common yardstick 3x3 256, 14x14. */
export async function kernelShapes(
  names: readonly string[] = ["bnext-t", "reactnet-a"],
): Promise<KernelShape[]> {
  const distinct = new Map<string, ConvShape & { networks: string[] }>();
  distinct.set(shapeName(bareShape), { ...bareShape, networks: [] });
  for (const name of names) {
    const { packed } = await bothForms(name, {});
    const { program } = await readOnebit(packed);
    for (const step of program.steps) {
      const shape = binaryShape(program, step);
      if (!shape) continue;
      const key = shapeName(shape);
      const known = distinct.get(key) ?? { ...shape, networks: [] };
      if (!known.networks.includes(name)) known.networks.push(name);
      distinct.set(key, known);
    }
  }
  return [...distinct.values()];
}

/** Undefined where the step is no binary convolution. */
export function binaryShape({ values }: Program, step: Step): ConvShape | undefined {
  if (step.kind !== "binary-conv") return undefined;
  const [height, width, inputs] = values[step.input].shape;
  const { kernel, stride, padding, groups, out } = step;
  return { inputs, outputs: out, size: [height, width], kernel, stride, padding, groups };
}
