import { OnebitError } from "onebit";
import { sizeOf } from "onebit/graph";
import type { OnnxGraph, OnnxNode } from "../../readers/onnx/graph.js";
import { printable } from "../../readers/text.js";
import { DescribedNetwork } from "../described/network.js";
import type { Value } from "../described/values.js";
import { Constants } from "./constants.js";
import { convolution, dense, type ScaledSigns } from "./convolutions.js";
import { operators } from "./operators.js";
import { type Range, rangeOf, rangeOfConstant } from "./ranges.js";
import { type ShufflePattern, shuffledGroups, shufflePattern } from "./shuffle-pattern.js";
import { type SignPattern, scalar, signPattern } from "./sign-patterns.js";
import { straightThrough } from "./straight-through.js";
import { Operation } from "./translation.js";

const products: readonly string[] = ["Conv", "Gemm", "MatMul"];
/** What these do to signs times a positive number they do to the signs. */
const carrying: readonly string[] = [
  "Flatten",
  "Reshape",
  "Squeeze",
  "Identity",
  "Dropout",
  "MaxPool",
];

/** The largest of what is turned round is the least. */
const carries = (op: string, { scale }: ScaledSigns): boolean =>
  carrying.includes(op) && (scale > 0 || op !== "MaxPool");

const unbounded: Range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** What leads from the image to the scores, node by node; the rest of the file is not looked at. */
export class OnnxTranslation {
  readonly net: DescribedNetwork;
  readonly #constants: Constants;
  readonly #values = new Map<string, Value>();
  /** Signs that were multiplied by a number, by the name of the product: its value is the signs alone... */
  readonly #scaled = new Map<string, ScaledSigns>();
  /** ...until something else than a product reads it. */
  readonly #multiplied = new Set<string>();
  readonly #ranges = new Map<string, Range>();

  constructor(
    readonly graph: OnnxGraph,
    storedBytes: number,
  ) {
    this.net = new DescribedNetwork(printable(graph.name) || "onnx", storedBytes);
    this.#constants = new Constants(graph);
  }

  /** The value of the output, of an image [1, C, H, W]. */
  translate(image: string, shape: readonly number[], output: string): Value {
    this.#values.set(image, this.net.input(shape));
    for (const value of this.#order(output)) this.#define(value, value === output);
    if (this.#values.has(output)) return this.#plain(output);
    throw new OnebitError(`the output ${printable(output)} does not depend on the image`);
  }

  /** What the output needs, in the order of the file, which has each node behind what it reads. */
  #order(output: string): string[] {
    const needed = new Set([output]);
    for (const value of needed) {
      if (!this.#values.has(value)) for (const need of this.#needs(value)) needed.add(need);
    }
    const values = this.graph.nodes.flatMap(({ outputs }) =>
      outputs.filter((one) => needed.has(one)),
    );
    const known = new Set(this.#values.keys());
    for (const value of values) {
      const missing = this.#needs(value).find((need) => !known.has(need));
      if (missing !== undefined) {
        throw new OnebitError(
          `${printable(value)}: reads ${printable(missing)}, which no node before it makes`,
        );
      }
      known.add(value);
    }
    return values;
  }

  #producer(value: string): OnnxNode {
    const node = this.#constants.producer(value);
    if (node) return node;
    throw new OnebitError(
      `${printable(value)}: no node makes it, and it is no constant: the file is damaged`,
    );
  }

  #needs(value: string): string[] {
    const node = this.#producer(value);
    const needs = this.#inputsOf(node);
    if (needs.every((need) => need)) return needs;
    throw new OnebitError(
      `node ${printable(node.name || value)} (${printable(node.op)}): lacks an input`,
    );
  }

  /** Of the inputs of a node, those that depend on the image. */
  #inputsOf(node: OnnxNode): string[] {
    const passed = this.#passed(node);
    if (passed !== undefined) return [passed];
    const pattern = signPattern(node, this.#constants);
    if (pattern) return [pattern.x];
    const shuffle = shufflePattern(node, this.#constants);
    if (shuffle) return [shuffle.x];
    return node.inputs.filter((input) => input !== "" && !this.#constants.get(input));
  }

  #passed(node: OnnxNode): string | undefined {
    return straightThrough(node, (name) => this.#constants.producer(name));
  }

  #define(value: string, isLast: boolean): void {
    const node = this.#producer(value);
    if (this.#values.has(value)) return;
    const passed = this.#passed(node);
    if (passed !== undefined) {
      this.#alias(value, passed);
      return;
    }
    const o = new Operation(this.net, node, this.#constants, this.#values, isLast);
    const range = rangeOf(
      node,
      node.inputs.map((input) => this.#rangeOf(input)),
    );
    for (const made of node.outputs) this.#ranges.set(made, range);
    const pattern = signPattern(node, this.#constants);
    if (pattern) {
      this.#sign(o, value, pattern);
      return;
    }
    const shuffle = shufflePattern(node, this.#constants);
    if (shuffle) {
      this.#values.set(value, this.#shuffled(o, shuffle));
      return;
    }
    const values = [this.#operation(o, node)].flat() as Value[];
    values.forEach((one, i) => {
      this.#values.set(node.outputs[i], one);
    });
  }

  #alias(value: string, of: string): void {
    const scaled = this.#scaled.get(of);
    this.#values.set(value, scaled?.signs ?? this.#values.get(of)!);
    if (scaled) this.#scaled.set(value, scaled);
    this.#ranges.set(value, this.#ranges.get(of) ?? unbounded);
  }

  #rangeOf(input: string): Range | undefined {
    if (input === "") return undefined;
    const constant = this.#constants.get(input);
    return constant ? rangeOfConstant(constant) : (this.#ranges.get(input) ?? unbounded);
  }

  #shuffled(o: Operation, pattern: ShufflePattern): Value {
    const x = this.#plain(pattern.x);
    const shape = this.net.shape(x);
    const groups = x.flat || shape.length !== 4 ? undefined : shuffledGroups(pattern, shape);
    if (groups !== undefined) return this.net.unary("channel-shuffle", x, { groups }, o.name);
    throw o.error(
      `[${shape}] becomes [${pattern.apart}], two axes of it are swapped, and then [${pattern.joined}]; only a shuffle of channels can be had`,
    );
  }

  #operation(o: Operation, node: OnnxNode): Value | readonly Value[] {
    const { op, domain, inputs } = node;
    if (domain !== "") {
      throw o.error(
        `is an operator of ${printable(domain)} that onebit does not know; BipolarQuant is, and MultiThreshold with one threshold`,
      );
    }
    const signs = this.#signsOf(inputs[0]);
    if (op === "Conv") return convolution(o, signs);
    if (products.includes(op)) return dense(o, signs);
    if (op === "Mul" && this.#scales(node)) return this.#values.get(node.outputs[0])!;
    const operator = Object.hasOwn(operators, op) ? operators[op] : undefined;
    if (operator && signs && signs.scale !== 1 && carries(op, signs)) {
      this.#values.set(inputs[0], signs.signs);
      this.#multiplied.delete(inputs[0]);
      const moved = [operator(o)].flat()[0] as Value;
      this.#remember(node.outputs[0], moved, signs.scale);
      return moved;
    }
    for (const input of inputs) if (this.#values.has(input)) this.#plain(input);
    if (operator) return operator(o);
    const known = [...products, "Sign", "Where", ...Object.keys(operators)].join(", ");
    throw o.error(`is an operator that onebit does not know; these are: ${known}`);
  }

  /** Signs, padded or flattened or not, that a product reads. */
  #signsOf(input: string): ScaledSigns | undefined {
    const scaled = this.#scaled.get(input);
    if (scaled) return scaled;
    const value = this.#values.get(input);
    if (!value) return undefined;
    const producer = this.net.b.producer(value.name);
    const origin = ["pad", "reshape"].includes(producer?.op ?? "")
      ? producer!.inputs[0]
      : value.name;
    return this.net.isSigns({ name: origin }) ? { signs: value, scale: 1 } : undefined;
  }

  /** Signs times one positive number wait for the product that reads them. */
  #scales({ inputs, outputs }: OnnxNode): boolean {
    const at = [0, 1].find((place) => (scalar(inputs[place], this.#constants) ?? 0) > 0);
    if (at === undefined) return false;
    const signs = this.#signsOf(inputs[1 - at]);
    if (!signs) return false;
    const scale = signs.scale * scalar(inputs[at], this.#constants)!;
    this.#remember(outputs[0], signs.signs, scale);
    return true;
  }

  #remember(value: string, signs: Value, scale: number): void {
    this.#values.set(value, signs);
    if (scale !== 1) this.#scaled.set(value, { signs, scale });
  }

  /** Has a value be the numbers that it is, not signs whose factor is remembered. */
  #plain(name: string): Value {
    const value = this.#values.get(name)!;
    const scaled = this.#scaled.get(name);
    if (!scaled || this.#multiplied.has(name)) return value;
    this.#multiplied.add(name);
    const scope = this.net.scope(`${printable(name)}.scaled`);
    const plain = this.net.scalar("mul", value, scaled.scale, scope);
    this.#values.set(name, plain);
    return plain;
  }

  #sign(
    o: Operation,
    output: string,
    { x: name, threshold, equal, negative, scale, chosen = [] }: SignPattern,
  ): void {
    if (typeof scale === "string")
      throw o.error("its scale is one for each channel, and it is no weight");
    let x = this.#plain(name);
    for (const constant of chosen) this.#checkWithin(o, constant, x);
    if (equal === 0) this.#checkSides(o, name);
    if (threshold !== undefined) x = this.#above(o, x, threshold);
    if (negative) x = this.net.scalar("mul", x, -1, `${o.name}.negative`);
    const zero = equal === 1 ? 1 : -1;
    this.#remember(output, this.net.signs(x, o.name, zero, equal === 0 ? 0 : zero), scale);
  }

  /** A constant of a larger shape makes many values of one. */
  #checkWithin(o: Operation, constant: string, x: Value): void {
    const { shape } = this.#constants.get(constant)!;
    const full = this.net.shape(x);
    const own = x.flat ? [full[0], sizeOf(full)] : full;
    const fits = shape.every((size, i) => [1, own[i - shape.length + own.length]].includes(size));
    o.expect(
      fits,
      `its constant ${printable(constant)} is [${shape}], and its input [${own}]: export the network for one image, [1, C, H, W]`,
    );
  }

  #above(o: Operation, x: Value, threshold: string): Value {
    const { shape, data } = this.#constants.get(threshold)!;
    if (data.every((t) => t === 0)) return x;
    const wanted = o.node.op === "MultiThreshold" ? [data.length, 1, 1] : shape;
    const minus = o.perChannel({ shape: wanted, data: Float32Array.from(data, (t) => -t) }, x);
    const options = { name: `${o.name}.shifted`, key: `${o.name}.threshold` };
    return this.net.perChannel("bias", x, minus, options);
  }

  /** Of what is never negative, ONNX's Sign makes 0 and 1. */
  #checkSides(o: Operation, name: string): void {
    const [least, most] = this.#rangeOf(name) ?? unbounded;
    o.expect(
      least < 0 && most > 0,
      `is the sign of what is never ${least < 0 ? "positive: it gives -1 and 0" : "negative: it gives 0 and 1"}, and onebit packs -1 and 1`,
    );
    this.net.notes.add("Sign gives 0 for exactly 0 in ONNX; here it gives -1");
  }
}
