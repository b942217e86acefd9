import { GraphBuilder } from "../graph/builder.js";
import type { Attributes, Shape, Tensor, TensorRole } from "../graph/types.js";
import type { Program, ProgramTensors, TensorKey, ValueId } from "../program/types.js";

interface Slice {
  readonly offset: number;
  readonly value: string;
}

/**
 * The graph that a program becomes, while it is being written. Maps and bits are [N, C, H, W],
 * vectors [N, C, 1, 1]. A program value keeps its name: "feature.3" of the program is the value
 * "feature.3" of the graph, where a node of its own computes it.
 */
export class UnpackedValues {
  readonly b: GraphBuilder;
  readonly tensors: { [key: string]: Tensor } = {};
  readonly #program: Program;
  readonly #given: ProgramTensors;
  readonly #valueNames: ReadonlySet<string>;
  readonly #values = new Map<ValueId, string>();
  readonly #slices = new Map<ValueId, Slice[]>();
  readonly #vectors = new Map<string, string>();

  constructor(name: string, program: Program, tensors: ProgramTensors) {
    this.b = new GraphBuilder(name);
    this.#program = program;
    this.#given = tensors;
    this.#valueNames = new Set(program.values.map((value) => value.name));
    this.#values.set(program.input, this.#input());
  }

  /** A vector as a map of one pixel: what it is inside. */
  #input(): string {
    const { name, kind, shape } = this.#program.values[this.#program.input];
    const [height, width, channels] = shape;
    if (kind !== "vector") return this.b.input(name, [1, channels, height, width]);
    const input = this.b.input(name, [1, channels]);
    return this.op("reshape", [input], { shape: [0, -1, 1, 1] }, `${name}/map`);
  }

  nameOf(id: ValueId): string {
    return this.#program.values[id].name;
  }

  /** The graph value that a program value has become. */
  read(id: ValueId): string {
    return this.#values.get(id)!;
  }

  /** Whether so many channels are all that a program value has. */
  isWhole(id: ValueId, channels: number): boolean {
    return channels === this.#program.values[id].shape[2];
  }

  isOnePixel(id: ValueId): boolean {
    const [height, width] = this.#program.values[id].shape;
    return height * width === 1;
  }

  /** Channels from `offset` on of a program value; the last slice completes it. */
  write(id: ValueId, offset: number, value: string): void {
    if (this.isWhole(id, this.b.shape(value)[1])) {
      this.#values.set(id, value);
      return;
    }
    const slices = [...(this.#slices.get(id) ?? []), { offset, value }];
    this.#slices.set(id, slices);
    const parts = slices.sort((a, b) => a.offset - b.offset).map((slice) => slice.value);
    const filled = parts.reduce((total, part) => total + this.b.shape(part)[1], 0);
    if (!this.isWhole(id, filled)) return;
    this.#values.set(id, this.op("concat", parts, { axis: 1 }, id));
  }

  /** Adds a node with the name of the program value that it computes, or one that is still free. */
  op(op: string, inputs: readonly string[], attrs: Attributes, name: string | ValueId): string {
    const free = typeof name === "number" ? this.nameOf(name) : this.#free(name);
    return this.b.op(op, inputs, attrs, free);
  }

  weight(key: TensorKey, shape: Shape, data: Float32Array, role: TensorRole): string {
    const name = this.#free(key);
    this.tensors[name] = { shape, data };
    const init = { kind: "constant", value: 0 } as const;
    return this.b.tensor(name, { shape, kind: "parameter", role, init });
  }

  /** One number per channel, [1, C, 1, 1] to broadcast, or [C] where an op wants it so. */
  vector(key: TensorKey, form: "broadcast" | "flat" = "broadcast"): string {
    const id = `${form} ${key}`;
    const known = this.#vectors.get(id);
    if (known) return known;
    const data = this.numbers(key);
    const shape = form === "flat" ? [data.length] : [1, data.length, 1, 1];
    const name = this.weight(key, shape, data, "other");
    this.#vectors.set(id, name);
    return name;
  }

  /** r - t: above 0 where r > t, 0 only where they are equal. */
  above(r: string, threshold: TensorKey, name: string): string {
    if (this.numbers(threshold).every((t) => t === 0)) return r;
    return this.op("sub", [r, this.vector(threshold)], {}, name);
  }

  numbers(key: TensorKey): Float32Array {
    return this.#given[key].data as Float32Array;
  }

  bits(key: TensorKey): Uint8Array {
    return this.#given[key].data as Uint8Array;
  }

  #free(name: string): string {
    for (let i = 0; ; i++) {
      const candidate = i ? `${name}_${i}` : name;
      if (!this.b.has(candidate) && !this.#valueNames.has(candidate)) return candidate;
    }
  }
}
