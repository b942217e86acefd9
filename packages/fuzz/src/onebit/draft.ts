import type { OnebitFile } from "onebit/file";
import type { MicroOp, ProgramTensor, ProgramValue, Step, ValueId } from "onebit/program";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type OfStep<S> = S extends Step ? Mutable<Omit<S, "epilogue">> & { epilogue: MicroOp[] } : never;

export type MutableStep = OfStep<Step>;
export type MutableValue = Omit<Mutable<ProgramValue>, "shape"> & {
  shape: [number, number, number];
};

/** A program that is being edited. */
export interface Draft {
  readonly values: MutableValue[];
  readonly input: ValueId;
  readonly steps: MutableStep[];
  readonly outputs: { readonly [name: string]: ValueId };
  readonly tensors: { [key: string]: ProgramTensor };
}

export function draftOf({ program, tensors }: OnebitFile): Draft {
  const { values, input, steps, outputs } = structuredClone(program);
  return {
    ...{ input, outputs },
    values: values as unknown as MutableValue[],
    steps: steps as unknown as MutableStep[],
    tensors: { ...tensors },
  };
}

/** With labels and preprocessing that still fit, as far as they can. */
export function fileOf(draft: Draft, { preprocess, card }: OnebitFile): OnebitFile {
  const { values, input, steps, outputs, tensors } = draft;
  const [height, width, channels] = values[input].shape;
  const classes = values[outputs.logits]?.shape[2] ?? 0;
  const fits = preprocess?.channels === channels;
  const size: [number, number] = [height, width];
  return {
    program: { values, input, steps, outputs },
    ...{ tensors, card },
    preprocess: preprocess && fits ? { ...preprocess, size, resize: size } : undefined,
    labels: Array.from({ length: classes }, (_, i) => `class ${i}`),
  };
}
