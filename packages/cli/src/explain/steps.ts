import { operandsOf, outputShape, type Program, type Step, type ValueId } from "onebit/program";

/** What a step is for, as far as the program itself tells. */
export type StepRole = "binary" | "stem" | "gate" | "classifier" | "real" | "pool" | "element-wise";

/** A step of a program in words. */
export interface StepDescription {
  /** The graph node that it is known by. */
  readonly name: string;
  /** "3x3 256 to 256, 14x14": kernel, channels, size of the output. */
  readonly geometry: string;
  readonly role: StepRole;
  /** Of a binary convolution: whether each output reads one channel. */
  readonly depthwise: boolean;
  /** Whether its multiply-adds are 1-bit by 1-bit. */
  readonly bits: boolean;
  /** Why it runs in bits, or why not. */
  readonly why: string;
  readonly bytes: BytesByWidth;
}

/** What one image makes a step read and write, in bytes, by the width of the numbers. */
export interface BytesByWidth {
  readonly binaryWeights: number;
  readonly realWeights: number;
  readonly binaryActivations: number;
  readonly realActivations: number;
}

export function describeStep(program: Program, index: number): StepDescription {
  const step = program.steps[index];
  const role = roleOf(program, step);
  const depthwise = isDepthwise(program, step);
  return {
    name: nameOf(step, index),
    geometry: geometryOf(program, step),
    ...{ role, depthwise },
    bits: role === "binary",
    why: reasons[depthwise ? "depthwise" : role],
    bytes: bytesOf(program, step),
  };
}

/** Why a depthwise convolution takes longer for each multiply-add: packed bits lie along channels. */
export const DEPTHWISE_REASON =
  "an output reads one channel, one bit of each word, which is counted by itself";

const reasons: { readonly [role in StepRole | "depthwise"]: string } = {
  binary: "signs times 1-bit weights",
  depthwise: `signs times 1-bit weights; ${DEPTHWISE_REASON}`,
  stem: "real: the stem, it reads the image itself",
  gate: "real: a gate, on a pooled vector",
  classifier: "real: the classifier",
  real: "real: no sign before it",
  pool: "real: a pool, it has no weights",
  "element-wise": "real: element-wise, no products with a weight matrix",
};

function isDepthwise(program: Program, step: Step): boolean {
  if (step.kind !== "binary-conv" || step.groups === 1) return false;
  return program.values[step.input].shape[2] === step.groups;
}

function roleOf(program: Program, step: Step): StepRole {
  if (step.kind === "binary-conv") return "binary";
  if (step.kind === "conv" || step.kind === "linear") {
    const isOfTables = program.values[program.input].kind === "vector";
    if (step.input === program.input && !isOfTables) return "stem";
    if (valuesWritten(step).includes(program.outputs.logits)) return "classifier";
    if (isOfTables) return "real";
    return program.values[step.input].kind === "vector" ? "gate" : "real";
  }
  return step.kind === "pool" ? "pool" : "element-wise";
}

/** Where one node's name leads the first one's ("fc" and "fc.bias"), that node is the whole. */
function nameOf({ covers, kind }: Step, index: number): string {
  const [first] = covers;
  if (first === undefined) return `${kind} ${index}`;
  const wholes = covers.filter((name) => first.startsWith(`${name}.`));
  return wholes.sort((a, b) => b.length - a.length)[0] ?? first;
}

function geometryOf(program: Program, step: Step): string {
  const [height, width, channels] = outputShape(program, step);
  const inputs = program.values[step.input].shape[2];
  const size = `${height}x${width}`;
  if (!("kernel" in step)) {
    return step.kind === "linear" ? `${inputs} to ${channels}` : `${channels}, ${size}`;
  }
  const stride = step.stride[0] > 1 ? ` stride ${step.stride[0]}` : "";
  const kernel = step.kernel.join("x");
  if (step.kind === "pool") return `${step.mode} ${kernel} ${channels}, ${size}${stride}`;
  const groups = step.groups > 1 ? ` groups ${step.groups}` : "";
  return `${kernel} ${inputs} to ${channels}, ${size}${stride}${groups}`;
}

function valuesWritten({ epilogue }: Step): ValueId[] {
  return epilogue.flatMap((op) => operandsOf(op, "write"));
}

function bytesOf(program: Program, step: Step): BytesByWidth {
  const [height, width, channels] = outputShape(program, step);
  const inputs = program.values[step.input].shape[2];
  const vectors = new Set(step.epilogue.flatMap((op) => operandsOf<string>(op, "tensor")));
  const weights = weightCount(step, inputs);
  const binary = step.kind === "binary-conv";
  const whole = (id: ValueId) => {
    const [h, w, c] = program.values[id].shape;
    return h * w * c;
  };
  // A step that writes a slice of a wider value counts with its own channels.
  const slice = (id: ValueId) => {
    const [h, w] = program.values[id].shape;
    return Math.min(h, height) * Math.min(w, width) * channels;
  };
  const read = [step.input, ...step.epilogue.flatMap((op) => operandsOf(op, "read"))];
  const moved = [
    ...read.map((id) => ({ id, elements: whole(id) })),
    ...valuesWritten(step).map((id) => ({ id, elements: slice(id) })),
  ];
  const isBits = ({ id }: { id: ValueId }) => program.values[id].kind === "bits";
  const sum = (list: typeof moved) => list.reduce((total, { elements }) => total + elements, 0);
  const real = moved.filter((one) => !isBits(one));
  const narrow = real.filter(({ id }) => program.values[id].type === "bfloat16");
  return {
    binaryWeights: binary ? Math.ceil(weights / 8) : 0,
    realWeights: 4 * ((binary ? 0 : weights) + vectors.size * channels),
    binaryActivations: Math.ceil(sum(moved.filter(isBits)) / 8),
    realActivations: 4 * sum(real) - 2 * sum(narrow),
  };
}

function weightCount(step: Step, inputs: number): number {
  if (step.kind === "linear") return step.out * inputs;
  if (step.kind !== "conv" && step.kind !== "binary-conv") return 0;
  return (step.out * step.kernel[0] * step.kernel[1] * inputs) / step.groups;
}
