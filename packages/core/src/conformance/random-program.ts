import {
  canRepeat,
  elementCount,
  type MapShape,
  outputShape,
  packedRowBytes,
  paddingEnd,
  REPEAT_UNIT,
  span,
} from "../program/geometry.js";
import { float32Only } from "../program/map-types.js";
import { COMPUTING_NAMES, type ComputingName, MICRO_OPS } from "../program/micro-ops.js";
import type {
  BinaryConvStep,
  ConvStep,
  MicroOp,
  PoolStep,
  Program,
  ProgramTensor,
  ProgramTensors,
  ProgramValue,
  Register,
  Step,
  ValueId,
  ValueKind,
} from "../program/types.js";
import { drawn, Random } from "./random.js";

/** A program with its tensors, and an image to run it on. */
export interface RandomProgram {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  /** One image for it. */
  readonly image: Float32Array;
}

/**
 * A small network from a seed: up to 8 steps of every kind on odd shapes, groups, strides and
 * paddings, random epilogues, values in slices and repeated, narrow maps, several outputs. wide: of
 * larger images, with enough rows that threads share them.
 */
export function randomProgram(seed: number, wide = false): RandomProgram {
  return generateProgram(seed, (random) => ordinaryShapes(random, wide ? [16, 32] : [1, 9]));
}

export type Window = Pick<ConvStep, "kernel" | "stride" | "padding" | "paddingEnd">;

/** The shapes that a generator draws; `fits` is asked of every window that they give. */
export interface ProgramShapes {
  input(): MapShape;
  /** Of a linear step's output. */
  channels(): number;
  groups(channels: number): number;
  window(input: MapShape): Window;
  pool(input: MapShape): Window & Pick<PoolStep, "mode">;
  /** Output channels for each group. */
  outPerGroup(groups: number, window: Window, input: MapShape): number;
}

/** A network of random steps on those shapes. */
export function generateProgram(
  seed: number,
  shapesOf: (random: Random) => ProgramShapes,
): RandomProgram {
  const random = new Random(seed);
  return new Generator(random, shapesOf(random)).generate();
}

function ordinaryShapes(random: Random, [smallest, largest]: readonly [number, number]) {
  const side = () => random.int(smallest, largest);
  /** Often so many that the value can repeat in a wider step. */
  const channels = () => (random.chance(0.6) ? random.int(1, 40) : REPEAT_UNIT * random.int(1, 3));
  return {
    input: () => [side(), side(), channels()],
    channels,
    groups: (channels) => random.pick(divisors(channels)),
    window: () => ({
      kernel: random.pair(() => random.pick([1, 1, 2, 3, 3, 5])),
      stride: random.pair(() => random.pick([1, 1, 2])),
      ...padded(random, () => random.pair(() => random.int(0, 2))),
    }),
    pool: () => {
      const kernel = random.pair(() => random.int(1, 3));
      const within = (): [number, number] => [
        random.int(0, kernel[0] - 1),
        random.int(0, kernel[1] - 1),
      ];
      const mode = random.pick(["max", "average"] as const);
      return {
        mode,
        kernel,
        ...padded(random, within),
        stride: random.pair(() => random.int(1, 2)),
      };
    },
    outPerGroup: (groups) => random.int(1, groups > 4 ? 2 : 20),
  } satisfies ProgramShapes;
}

/** The same on both sides four times of five. */
function padded(random: Random, side: () => [number, number]) {
  const padding = side();
  const end = random.chance(0.2) ? side() : padding;
  return end.join() === padding.join() ? { padding } : { padding, paddingEnd: end };
}

type AnyKernel = Step extends infer S
  ? S extends Step
    ? Omit<S, "covers" | "input" | "epilogue">
    : never
  : never;

class Generator {
  readonly #random: Random;
  readonly #shapes: ProgramShapes;
  readonly #values: ProgramValue[] = [];
  readonly #steps: Step[] = [];
  readonly #tensors: { [key: string]: ProgramTensor } = {};

  constructor(random: Random, shapes: ProgramShapes) {
    this.#random = random;
    this.#shapes = shapes;
  }

  generate(): RandomProgram {
    const [kind, input] = this.#input();
    this.#addValue(kind, input);
    for (let count = this.#random.int(1, 7); count > 0; count--) this.#addStep();
    const image = this.#floats(input[0] * input[1] * input[2]);
    const program = {
      values: this.#values,
      input: 0,
      steps: this.#steps,
      outputs: this.#chooseOutputs(),
    };
    return { program: this.#narrowed(program), tensors: this.#tensors, image };
  }

  #input(): [ValueKind, MapShape] {
    const shape = this.#shapes.input();
    return this.#random.chance(0.1) ? ["vector", [1, 1, shape[2]]] : ["map", shape];
  }

  /** In half of the programs, half of the maps that may be bfloat16 are. */
  #narrowed(program: Program): Program {
    if (this.#random.chance(0.5)) return program;
    const wide = float32Only(program);
    const values = program.values.map((value, id): ProgramValue => {
      return wide.has(id) || this.#random.chance(0.5) ? value : { ...value, type: "bfloat16" };
    });
    return { ...program, values };
  }

  /** The last value that can be one, and any others. */
  #chooseOutputs(): { [name: string]: ValueId } {
    const candidates = this.#values.flatMap(({ kind }, id) => (kind === "bits" ? [] : [id]));
    const chosen = candidates.filter(
      (_, i) => i === candidates.length - 1 || this.#random.chance(0.2),
    );
    return Object.fromEntries(chosen.map((id) => [this.#values[id].name, id]));
  }

  #addStep(): void {
    const input = this.#random.int(0, this.#values.length - 1);
    const kernel = this.#kernel(this.#values[input]);
    const base = { ...kernel, covers: [], input, epilogue: [] } as Step;
    const shape = outputShape({ values: this.#values }, base);
    const readable = this.#values.length;
    const epilogue = this.#arithmetic(base, shape, readable);
    const rest = this.#writes(epilogue, shape);
    this.#steps.push({ ...base, epilogue } as Step);
    if (rest) this.#completeSlices(rest, shape);
  }

  #kernel({ kind, shape }: ProgramValue): AnyKernel {
    const roll = this.#random.number();
    if (roll < 0.13) return { kind: "pointwise" };
    if (kind !== "bits" && roll < 0.2) return this.#quantise();
    if (roll < 0.28) return this.#shuffle(kind, shape);
    if (kind === "vector" && roll < 0.6) return this.#linear(shape[2]);
    if (roll < (kind === "bits" ? 0.38 : 0.45)) return this.#pool(kind, shape);
    return this.#conv(kind, shape);
  }

  #quantise(): AnyKernel {
    const bits = this.#random.pick([1, 4, 8, 16]);
    const group = this.#random.pick(["image", "channel"] as const);
    return { kind: "quantise", bits, clip: this.#random.pick([0.5, 25, 1000]), group };
  }

  #linear(inputs: number): AnyKernel {
    const out = this.#shapes.channels();
    return { kind: "linear", out, weight: this.#floatTensor([out, inputs]) };
  }

  #pool(kind: ValueKind, shape: MapShape): AnyKernel {
    const pool = this.#shapes.pool(shape);
    if (!fits(shape, pool)) return { kind: "pointwise" };
    return { kind: "pool", ...pool, ...(kind === "bits" && { mode: "max" as const }) };
  }

  /** Of bits only channels that are there; of numbers often zeros before or behind them. */
  #shuffle(kind: ValueKind, shape: MapShape): AnyKernel {
    const whole = this.#random.chance(0.3);
    const channels = whole ? elementCount(shape) : shape[2];
    const beyond = () => (kind === "bits" ? 0 : this.#random.int(0, 3));
    const first = this.#random.chance(0.5) ? 0 - beyond() : this.#random.int(0, channels - 1);
    const out = this.#random.int(1, channels - Math.max(0, first)) - Math.min(0, first) + beyond();
    const dealt = this.#random.pick(divisors(channels));
    return { kind: "shuffle", whole, first, out, dealt };
  }

  #conv(kind: ValueKind, shape: MapShape): AnyKernel {
    const widens = shape[2] % REPEAT_UNIT === 0 && shape[2] <= 96 && this.#random.chance(0.6);
    const groups = widens ? 1 : this.#shapes.groups(shape[2]);
    const geometry = widens ? ONE_BY_ONE : this.#shapes.window(shape);
    if (!fits(shape, geometry)) return { kind: "pointwise" };
    const out = widens
      ? shape[2] * this.#random.int(1, 3)
      : groups * this.#shapes.outPerGroup(groups, geometry, shape);
    if (kind !== "bits") {
      const weight = this.#floatTensor([out, ...geometry.kernel, shape[2] / groups]);
      return { kind: "conv", out, groups, weight, ...geometry } satisfies Omit<
        ConvStep,
        "covers" | "input" | "epilogue"
      >;
    }
    const padValue = this.#random.pick([0, 1, -1, "replicate"] as const);
    const dilation = this.#random.pair(() => this.#random.pick([1, 2, 3]));
    const dilated = { ...geometry, dilation };
    const window = this.#random.chance(0.3) && fits(shape, dilated) ? dilated : geometry;
    const step = { kind: "binary-conv" as const, out, groups, padValue, ...window, weight: "" };
    return { ...step, weight: this.#bitTensor(step, shape[2]) };
  }

  /** Element-wise micro-ops; values from `readable` on do not exist yet for this step. */
  #arithmetic(step: Step, shape: MapShape, readable: number): MicroOp[] {
    const epilogue: MicroOp[] = [];
    for (let count = this.#random.int(0, 9); count > 0; count--) {
      const loads = this.#loadable(step, shape, readable).map((id): MicroOp => ["load", id]);
      const choices: (() => MicroOp)[] = [
        ...COMPUTING_NAMES.map((name) => () => this.#computing(name, epilogue.length, shape[2])),
        ...loads.map((load) => () => load),
      ];
      epilogue.push(this.#random.pick(choices)());
    }
    return epilogue;
  }

  /** Registers and tensors at random; numbers from -2 to 2, the second of two not below the first. */
  #computing(name: ComputingName, last: Register, channels: number): MicroOp {
    let numbers = 0;
    const operands = MICRO_OPS[name].map((sort) => {
      if (sort === "register") return this.#random.int(0, last);
      if (sort === "tensor") return this.#floatTensor([channels]);
      if (sort === "zero") return this.#random.pick([-1, 1]);
      return numbers++ ? this.#random.int(0, 2) : 0 - this.#random.int(0, 2);
    });
    return [name, ...operands] as unknown as MicroOp;
  }

  #loadable(step: Step, shape: MapShape, readable: number): ValueId[] {
    const fitting = this.#values.flatMap((value, id) => {
      const channels = value.shape[2];
      const sameChannels = channels === shape[2] || canRepeat(step, shape[2], channels);
      const samePixels =
        value.kind === "vector" || value.shape.slice(0, 2).join() === shape.slice(0, 2).join();
      return id < readable && sameChannels && samePixels ? [id] : [];
    });
    return fitting;
  }

  /**
   * Appends writes of some registers to new values. Returns a value whose second half the next
   * step must write, and what that step can read.
   */
  #writes(epilogue: MicroOp[], shape: MapShape): { map: ValueId; half: ValueId } | undefined {
    const register = () => this.#random.int(0, epilogue.length);
    const map = this.#addValue(this.#mapKind(shape), shape);
    epilogue.push(["store", this.#random.chance(0.7) ? epilogue.length : register(), map, 0]);
    if (this.#random.chance(0.6)) {
      const bits = this.#addValue("bits", shape);
      epilogue.push([
        "bits",
        register(),
        this.#threshold(shape[2]),
        bits,
        0,
        this.#random.pick([-1, 1]),
      ]);
    }
    if (this.#random.chance(0.3)) {
      const vector = this.#addValue("vector", [1, 1, shape[2]]);
      epilogue.push(["mean", register(), vector, 0]);
    }
    if (shape[0] % 2 === 0 && shape[1] % 2 === 0 && this.#random.chance(0.4)) {
      const means = this.#addValue("map", [shape[0] / 2, shape[1] / 2, shape[2]]);
      epilogue.push(["mean-2x2", register(), means, 0]);
    }
    if (this.#random.chance(0.3)) return undefined;
    const half = this.#addValue(this.#random.pick(["bits", this.#mapKind(shape)]), doubled(shape));
    epilogue.push(this.#slice(register(), half, shape, 0));
    if (this.#random.chance(0.5)) {
      epilogue.push(this.#slice(register(), half, shape, shape[2]));
      return undefined;
    }
    return { map, half };
  }

  #completeSlices({ map, half }: { map: ValueId; half: ValueId }, shape: MapShape): void {
    const epilogue: MicroOp[] = [["shift", 0, this.#floatTensor([shape[2]])]];
    epilogue.push(this.#slice(1, half, shape, shape[2]));
    this.#steps.push({ kind: "pointwise", covers: [], input: map, epilogue });
  }

  #slice(register: number, value: ValueId, shape: MapShape, offset: number): MicroOp {
    if (this.#values[value].kind !== "bits") return ["store", register, value, offset];
    return ["bits", register, this.#threshold(shape[2]), value, offset, 1];
  }

  #mapKind(shape: MapShape): ValueKind {
    return shape[0] * shape[1] === 1 && this.#random.chance(0.7) ? "vector" : "map";
  }

  #addValue(kind: ValueKind, shape: MapShape): ValueId {
    return this.#values.push({ name: `v${this.#values.length}`, kind, shape }) - 1;
  }

  /** Whole numbers half of the time: accumulators are then equal to some of them. */
  #threshold(channels: number): string {
    if (this.#random.chance(0.5)) return this.#floatTensor([channels]);
    return this.#floatTensor([channels], () => this.#random.int(-2, 2));
  }

  #floatTensor(shape: number[], draw = () => (this.#random.number() - 0.5) * 2): string {
    const data = drawn(new Float32Array(shape.reduce((a, b) => a * b, 1)), draw);
    return this.#addTensor({ type: "float32", shape, data });
  }

  #bitTensor(
    step: Omit<BinaryConvStep, "covers" | "input" | "epilogue">,
    channels: number,
  ): string {
    const rowBytes = packedRowBytes(step as BinaryConvStep, channels);
    const used = (step.kernel[0] * step.kernel[1] * channels) / step.groups;
    const lastByte = used % 8 === 0 ? 0xff : (1 << (used % 8)) - 1;
    const data = drawn(
      new Uint8Array(step.out * rowBytes),
      (i) => this.#random.int(0, 255) & ((i + 1) % rowBytes === 0 ? lastByte : 0xff),
    );
    return this.#addTensor({ type: "bits", shape: [step.out, rowBytes], data });
  }

  #addTensor(tensor: ProgramTensor): string {
    const key = `t${Object.keys(this.#tensors).length}`;
    this.#tensors[key] = tensor;
    return key;
  }

  #floats(count: number): Float32Array {
    return drawn(new Float32Array(count), () => (this.#random.number() - 0.5) * 4);
  }
}

const doubled = ([height, width, channels]: MapShape): MapShape => [height, width, 2 * channels];
const ONE_BY_ONE = { kernel: [1, 1], stride: [1, 1], padding: [0, 0] } as const;
export const divisors = (n: number) =>
  Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);

type Fitting = Pick<BinaryConvStep, "kernel" | "padding" | "paddingEnd" | "dilation">;

function fits(shape: MapShape, step: Fitting): boolean {
  const end = paddingEnd(step);
  return ([0, 1] as const).every(
    (axis) => step.padding[axis] + shape[axis] + end[axis] >= span(step, axis),
  );
}
