import type { BadPicture } from "@onebit/train/data";
import type { AnySubject, Tensors } from "@onebit/train/subjects";
import { type FloatTensor, UsageError } from "onebit";
import { shellWord } from "onebit/words";
import { reportBad } from "../bad-pictures.js";
import { writeNpy } from "../npy.js";
import { preparationOf, prepared, runOn } from "../subjects/classes.js";
import { type Output, table } from "../terminal.js";
import { named, ofPhotograph, type Photographs, type TensorFile } from "./images.js";

export type Images = Photographs | TensorFile;

interface Wanted {
  /** Which output; default: logits, or the only one. */
  readonly name?: string;
  /** Where it is written; default: nowhere, names and shapes are shown. */
  readonly output?: string;
}

/** Outputs of no more numbers are in the JSON, in the order of their shape. */
const FEW = 1000;
/** So many are shown. */
const SHOWN = 6;

/** What a network gives, as it is: names, shapes and first values, or one output in a file. */
export async function giveOutputs(
  subject: AnySubject,
  images: Images,
  { name, output }: Wanted,
  out: Output,
): Promise<void> {
  const names = chosen(subject, name, output !== undefined);
  const began = performance.now();
  const { tensors, bad, input, count } = await computed(subject, images, names);
  const milliseconds = performance.now() - began;
  if (bad.length === count) return reportBad(out, bad, count);
  const shapes = Object.fromEntries(names.map((each) => [each, tensors[each].shape]));
  if (output !== undefined) {
    const [written] = names;
    await writeNpy(output, tensors[written]);
    const { shape } = tensors[written];
    out.result({ input, output, name: written, shape, outputs: shapes, milliseconds });
    out.line(`wrote ${output}: ${written} [${shape.join(", ")}]`);
  } else {
    const few = names.filter((each) => tensors[each].data.length <= FEW);
    const values = Object.fromEntries(few.map((each) => [each, [...tensors[each].data]]));
    out.item({ input, outputs: shapes, values, milliseconds });
    out.result({ input, outputs: shapes, values, milliseconds });
    const rows = names.map((each) => [each, `[${shapes[each].join(", ")}]`, start(tensors[each])]);
    out.line(table(["output", "shape", "values"], rows, ["left", "left", "left"]));
  }
  reportBad(out, bad, count);
}

function start({ data }: FloatTensor): string {
  const shown = Array.from(data.subarray(0, SHOWN), (x) => Number(x.toPrecision(4)));
  return `${shown.join(", ")}${data.length > SHOWN ? ", ..." : ""}`;
}

/** One of the outputs where one is written, else those that were asked for. */
function chosen({ path, outputs }: AnySubject, name: string | undefined, isOne: boolean): string[] {
  const names = Object.keys(outputs);
  const listed = names.map((each) => `${each} [N, ${outputs[each].shape.join(", ")}]`).join(", ");
  if (name !== undefined) {
    if (names.includes(name)) return [name];
    throw new UsageError(`--output-name ${name}: ${path} has the outputs ${listed}`);
  }
  if (!isOne || names.length === 1) return names;
  if (names.includes("logits")) return ["logits"];
  throw new UsageError(
    `${path} has the outputs ${listed}: say which, such as --output-name ${shellWord(names[0])}`,
  );
}

interface Computed {
  readonly tensors: Tensors;
  readonly bad: readonly BadPicture[];
  readonly input: string | readonly string[];
  readonly count: number;
}

async function computed(
  subject: AnySubject,
  images: Images,
  names: readonly string[],
): Promise<Computed> {
  if ("paths" in images) return ofPhotographs(subject, images, names);
  const { path, tensor } = images;
  const tensors = await named(path, () => subject.run(tensor, names));
  return { tensors, bad: [], input: path, count: tensor.shape[0] };
}

/** Row n is what the network gives of the n-th photograph that can be used. */
async function ofPhotographs(
  subject: AnySubject,
  photographs: Photographs,
  names: readonly string[],
): Promise<Computed> {
  const how = preparationOf(subject);
  const rows: Tensors[] = [];
  const input: string[] = [];
  const bad: BadPicture[] = [];
  for (const path of photographs.paths) {
    const found = await ofPhotograph(path, photographs, (image) =>
      runOn(subject, prepared(image, how), names),
    );
    if ("reason" in found) {
      bad.push(found);
      continue;
    }
    rows.push(found.made);
    input.push(path);
  }
  const tensors = names.map((name) => [name, stacked(rows.map((row) => row[name]))]);
  return { tensors: Object.fromEntries(tensors), bad, input, count: photographs.paths.length };
}

function stacked(rows: readonly FloatTensor[]): FloatTensor | undefined {
  if (rows.length === 0) return undefined;
  const [{ shape, data: first }] = rows;
  const data = new Float32Array(rows.length * first.length);
  rows.forEach((row, n) => {
    data.set(row.data, n * first.length);
  });
  return { shape: [rows.length, ...shape.slice(1)], data };
}
