import { OnebitError, UsageError } from "../../errors.js";
import { checkProgram } from "../check.js";
import { type MapShape, outputShape, writtenShape } from "../geometry.js";
import { operandsOf, writeOf } from "../micro-ops.js";
import type { Program, ProgramTensors, ProgramValue, Step } from "../types.js";

/**
 * The same network for images of another size. Convolutions and pools slide over any map and the
 * pooled head forgets its size, so only shapes change: they follow from each step's geometry.
 *
 * OnebitError where the network cannot take that size: a map smaller than a kernel, branches whose
 * maps no longer fit each other (stride-2 convolutions round up, stride-2 pools down), a classifier
 * that reads a whole map. UsageError where it is no size.
 */
export function atInputSize(
  program: Program,
  tensors: ProgramTensors,
  [height, width]: readonly [height: number, width: number],
): Program {
  for (const side of [height, width]) {
    if (Number.isSafeInteger(side) && side > 0) continue;
    throw new UsageError(`input ${height}x${width}: sides must be positive whole numbers`);
  }
  const { name, kind, shape: given } = program.values[program.input];
  if (kind === "vector") {
    throw new OnebitError(
      `input ${height}x${width}: "${name}" is a vector, which has no other size`,
    );
  }
  if (given[0] === height && given[1] === width) return program;
  const resizing = new Resizing(program, [height, width, given[2]]);
  program.steps.forEach((step, index) => {
    resizing.run(step, index);
  });
  const resized = { ...program, values: resizing.values };
  checkProgram(resized, tensors);
  return resized;
}

class Resizing {
  readonly values: ProgramValue[];

  constructor(
    readonly program: Program,
    readonly input: MapShape,
  ) {
    this.values = [...program.values];
    this.values[program.input] = { ...this.values[program.input], shape: input };
  }

  run(step: Step, index: number): void {
    const shape = outputShape(this, step);
    const where = step.covers[0] ?? `step ${index}`;
    if (step.kind === "shuffle" && step.whole) this.#checkWhole(step.input, where);
    if (shape.some((side) => side < 1)) {
      const [height, width] = this.values[step.input].shape;
      throw this.#refusal(where, `a map of ${height}x${width} is smaller than its kernel`);
    }
    for (const op of step.epilogue) {
      for (const id of operandsOf(op, "read")) this.#checkRead(this.values[id], shape, where);
      const write = writeOf(op);
      if (write) this.#write(write.value, writtenShape(op, shape), where);
    }
  }

  #checkWhole(id: number, where: string): void {
    const [before, now] = [this.program, this].map(({ values }) => values[id].shape);
    if (before.join() === now.join()) return;
    throw this.#refusal(where, `takes apart a whole map of ${before[0]}x${before[1]}`);
  }

  #checkRead({ kind, shape }: ProgramValue, [height, width]: MapShape, where: string): void {
    if (kind === "vector" || (shape[0] === height && shape[1] === width)) return;
    const sizes = `${height}x${width} and ${shape[0]}x${shape[1]}`;
    throw this.#refusal(where, `maps of ${sizes} do not combine`);
  }

  #write(id: number, [height, width]: MapShape, where: string): void {
    const value = this.values[id];
    if (!Number.isInteger(height) || !Number.isInteger(width)) {
      throw this.#refusal(where, `means of 2x2 pixels of a map of ${2 * height}x${2 * width}`);
    }
    if (value.kind === "vector" && height * width > 1) {
      throw this.#refusal(
        where,
        `"${value.name}" is one pixel at the size it was packed for and would be ${height}x${width}`,
      );
    }
    this.values[id] = { ...value, shape: [height, width, value.shape[2]] };
  }

  #refusal(where: string, why: string): OnebitError {
    const [height, width] = this.input;
    const { values, input } = this.program;
    const size = values[input].shape;
    const stride = totalStride(this.program);
    return new OnebitError(
      `the network cannot take ${height}x${width}: ${where}: ${why}. It was packed for ` +
        `${size[0]}x${size[1]}; multiples of ${stride} are safe where it is convolutional up to its pooled head`,
    );
  }
}

/** How many input rows become one row of the smallest map. */
function totalStride({ values, input }: Program): number {
  const [rows] = values[input].shape;
  const smallest = values.filter(({ kind }) => kind !== "vector").map(({ shape }) => shape[0]);
  return Math.round(rows / Math.min(...smallest));
}
