import { OnebitError } from "onebit";
import {
  type Attributes,
  defaultInit,
  GraphBuilder,
  type Init,
  type Shape,
  sizeOf,
  type TensorKind,
  type TensorRole,
} from "onebit/graph";
import { uniqueName } from "../../readers/unique-name.js";
import type { NetworkTensor } from "../importer.js";
import { type Numbers, networkTensor, reshaped, transposed } from "./weights.js";

/** Order of a map's elements in a vector: as frameworks with channels first or last flatten. */
export type Order = "chw" | "hwc";

/** A value of the file's network as one of the graph, [N, C, H, W] or [N, F]. */
export interface Value {
  readonly name: string;
  /** The file has flattened it, in this order; the graph's value is still the map. */
  readonly flat?: Order;
  /** The graph has flattened a map of [H, W, C] into c, h, w; the file means h, w, c. */
  readonly moved?: readonly [height: number, width: number, channels: number];
}

/** Eight bits are eight weights; a number may stand for each channel. */
const NUMBERS_PER_BYTE = 16;
const LEAST_NUMBERS = 2 ** 20;
/** Of an image or a padded map: 8192 by 8192, grey. */
export const MOST_PIXELS = 2 ** 26;

/**
 * The values of a network that a file describes, and the file's numbers: maps are [N, C, H, W] here, whatever the
 * file's order; what a file has flattened stays a map until something needs the vector.
 */
export class NetworkValues {
  readonly b: GraphBuilder;
  readonly tensors = new Map<string, NetworkTensor>();
  /** What is not as in the file, a sentence each. */
  readonly notes = new Set<string>();
  readonly #names = new Set<string>(["x"]);
  #left: number;

  /** storedBytes: of the file, which tells how many numbers its tensors can have. */
  constructor(name: string, storedBytes: number) {
    this.b = new GraphBuilder(name);
    this.#left = NUMBERS_PER_BYTE * storedBytes + LEAST_NUMBERS;
  }

  input(shape: Shape): Value {
    if (sizeOf(shape) > MOST_PIXELS) {
      throw new OnebitError(`its images are [${shape}]: more than ${MOST_PIXELS} numbers`);
    }
    return { name: this.b.input("x", shape) };
  }

  /** A name for the nodes of a layer that none has yet. */
  scope(name: string): string {
    return uniqueName(name, this.#names);
  }

  shape({ name }: Value): Shape {
    return this.b.shape(name);
  }

  tensor(
    key: string,
    numbers: Numbers,
    { kind = "parameter", role = "other", init = defaultInit(numbers.shape) }: TensorOptions = {},
  ): string {
    this.#left -= sizeOf(numbers.shape);
    if (!(this.#left >= 0)) {
      throw new OnebitError(
        `${key}: with it, the network has many times more numbers than the file: it is damaged`,
      );
    }
    this.tensors.set(key, networkTensor(key, numbers));
    return this.b.tensor(key, { shape: numbers.shape, kind, role, init });
  }

  /** An op that treats all elements alike: a flattened map stays one. */
  unary(op: string, x: Value, attrs: Attributes, name: string): Value {
    return { ...x, name: this.b.op(op, [x.name], attrs, name) };
  }

  /** Two values of one shape, or a map and a vector for each channel of it. */
  combine(op: "add" | "sub" | "mul", [x, y]: readonly [Value, Value], name: string): Value {
    const [a, b] = this.#ofOneRank(this.#alike(x, y, name), name);
    return { ...a, name: this.b.op(op, [a.name, b.name], {}, name) };
  }

  /** A vector beside a map is a map of one pixel. */
  #ofOneRank(values: readonly [Value, Value], name: string): Value[] {
    const most = Math.max(...values.map((value) => this.shape(value).length));
    return values.map((value, i) =>
      this.shape(value).length === most
        ? value
        : this.onePixel(value, this.scope(`${name}.pixel${i}`)),
    );
  }

  #alike(x: Value, y: Value, where: string): [Value, Value] {
    const plain = (value: Value) =>
      value.flat ? this.vector(value, `${value.name}.vector`) : value;
    const same = x.flat === y.flat && x.moved?.join() === y.moved?.join();
    const [a, b] = same ? [x, y] : [plain(x), plain(y)];
    if (a.moved?.join() === b.moved?.join()) return [a, b];
    throw new OnebitError(`${where}: its inputs are flattened in different orders`);
  }

  concat(values: readonly Value[], name: string): Value {
    const plain = values.map((value) => this.vector(value, `${value.name}.vector`));
    if (plain.some(({ moved }) => moved)) {
      throw new OnebitError(`${name}: flattened maps are joined, which onebit does not do`);
    }
    return {
      name: this.b.op(
        "concat",
        plain.map((value) => value.name),
        { axis: 1 },
        name,
      ),
    };
  }

  /** The channels [start, end) of a map or vector. */
  channels(x: Value, start: number, end: number, name: string): Value {
    const value = this.vector(x, `${name}.vector`);
    const [, channels] = this.shape(value);
    if (start === 0 && end === channels) return value;
    if (value.moved) {
      throw new OnebitError(`${name}: a part of a flattened map, which onebit does not take`);
    }
    return { name: this.#slice(value.name, start, end, name) };
  }

  /** Of channels side by side, only the parts that are meant. */
  #slice(value: string, start: number, end: number, name: string): string {
    const producer = this.b.producer(value);
    if (producer?.op !== "concat") {
      return this.b.op("slice", [value], { axis: 1, start, end }, name);
    }
    let first = 0;
    const parts = producer.inputs.flatMap((input, i) => {
      const [, channels] = this.b.shape(input);
      const [from, to] = [Math.max(0, start - first), Math.min(channels, end - first)];
      first += channels;
      if (from >= to) return [];
      return to - from === channels ? [input] : [this.#slice(input, from, to, `${name}.part${i}`)];
    });
    return parts.length === 1 ? parts[0] : this.b.op("concat", parts, { axis: 1 }, name);
  }

  /** A map of one pixel is its vector at once. */
  flatten(x: Value, order: Order, name: string): Value {
    const shape = this.shape(x);
    if (shape.length === 2 || x.flat) return x;
    if (shape[2] * shape[3] === 1) return { name: this.reshape(x.name, [0, -1], name) };
    return { name: x.name, flat: order };
  }

  /** A vector as a map of one pixel. */
  onePixel(x: Value, name: string): Value {
    const shape = this.shape(x);
    if (!x.flat && shape.length === 4) return x;
    const pixel = this.reshape(x.name, [0, sizeOf(shape.slice(1)), 1, 1], name);
    return { name: pixel, moved: x.moved ?? this.movedOf(x) };
  }

  /** What was flattened, as the vector that it is; other values as they are. */
  vector(x: Value, name: string): Value {
    if (!x.flat) return x;
    // By way of one pixel: what is element by element on the way can be packed.
    const pixel = this.onePixel(x, this.scope(name));
    return { ...pixel, name: this.reshape(pixel.name, [0, -1], this.scope(`${name}.flat`)) };
  }

  protected movedOf(x: Value): Value["moved"] {
    const [, channels, height, width] = this.shape(x);
    return x.flat === "hwc" ? [height, width, channels] : undefined;
  }

  protected mapOf(x: Value, where: string): string {
    const shape = this.shape(x);
    if (shape.length === 4 && !x.flat) return x.name;
    throw new OnebitError(`${where}: reads a vector of ${sizeOf(shape)} numbers, a map is wanted`);
  }

  protected reshape(x: string, shape: Shape, name: string): string {
    return this.b.op("reshape", [x], { shape }, name);
  }

  /** Of a vector whose elements the graph has in c, h, w, the file in h, w, c. */
  protected inOrder(numbers: Numbers, { moved }: Value): Numbers {
    if (!moved) return numbers;
    return reshaped(transposed(reshaped(numbers, moved), [2, 0, 1]), [sizeOf(moved)]);
  }

  protected columnsInOrder(weight: Numbers, { moved }: Value): Numbers {
    if (!moved) return weight;
    const [outs, inputs] = weight.shape;
    const apart = reshaped(weight, [outs, ...moved]);
    return reshaped(transposed(apart, [0, 3, 1, 2]), [outs, inputs]);
  }
}

interface TensorOptions {
  readonly kind?: TensorKind;
  readonly role?: TensorRole;
  readonly init?: Init;
}
