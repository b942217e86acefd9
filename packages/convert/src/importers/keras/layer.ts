import { OnebitError } from "onebit";
import { printable } from "../../readers/text.js";
import type { DescribedNetwork } from "../described/network.js";
import type { Value } from "../described/values.js";
import type { Numbers } from "../described/weights.js";
import type { Window } from "../described/window.js";
import { noPads, samePads } from "../described/window.js";
import type { Fields, KerasLayer } from "./config.js";

type Pair = readonly [number, number];

/** One layer while it is translated: its configuration, inputs and arrays, with words for what is wrong. */
export class Layer {
  readonly name: string;

  constructor(
    readonly net: DescribedNetwork,
    readonly layer: KerasLayer,
    readonly inputs: readonly Value[],
    readonly arrays: ReadonlyMap<string, Numbers>,
    /** 2 or 3: some names mean different things. */
    readonly version: number,
    readonly isLast: boolean,
  ) {
    this.name = net.scope(printable(layer.name));
  }

  get kind(): string {
    return this.layer.kind;
  }

  get config(): Fields {
    return this.layer.config;
  }

  /** The one value that the layer reads. */
  get x(): Value {
    this.expect(this.inputs.length === 1, `reads ${this.inputs.length} layers, one is wanted`);
    return this.inputs[0];
  }

  array(name: string): Numbers {
    const found = this.arrays.get(name);
    if (found) return found;
    const there = [...this.arrays.keys()].join(", ") || "none";
    throw this.error(`its array ${name} is not in the file; there are ${there}`);
  }

  flag(field: string, absent: boolean): boolean {
    const value = this.config[field] ?? absent;
    if (typeof value === "boolean") return value;
    throw this.error(`its ${field} is ${show(value)}, true or false is wanted`);
  }

  number(field: string, absent: number): number {
    const value = this.config[field] ?? absent;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.error(`its ${field} is ${show(value)}, a number is wanted`);
  }

  text(field: string, absent: string): string {
    const value = this.config[field] ?? absent;
    if (typeof value === "string") return value;
    throw this.error(`its ${field} is ${show(value)}, a name is wanted`);
  }

  /** One whole number for both axes, or two. */
  pair(field: string, absent?: Pair): Pair {
    const value = this.config[field] ?? absent;
    const pair = Array.isArray(value) ? value : [value, value];
    const fits = pair.length === 2 && pair.every((n) => Number.isSafeInteger(n) && n > 0);
    if (fits) return [pair[0], pair[1]];
    throw this.error(
      `its ${field} is ${show(value)}, one or two positive whole numbers are wanted`,
    );
  }

  /** Options that onebit has in one form only. */
  only(field: string, ...values: readonly unknown[]): void {
    const value = this.config[field] ?? values[0];
    if (values.some((known) => show(known) === show(value))) return;
    throw this.error(`its ${field} is ${show(value)}; ${values.map(show).join(" or ")} can be had`);
  }

  window(kernel: Pair, stride: Pair, dilation: Pair = [1, 1]): Window {
    const padding = this.text("padding", "valid").toLowerCase();
    this.expect(
      padding === "same" || padding === "valid",
      `its padding is "${padding}", same or valid is wanted`,
    );
    const shape = this.net.shape(this.x);
    this.expect(shape.length === 4 && !this.x.flat, "reads a vector, a map is wanted");
    const size = [shape[2], shape[3]] as const;
    const pads = padding === "same" ? samePads(size, kernel, { stride, dilation }) : noPads;
    return { stride, dilation, pads };
  }

  error(why: string): OnebitError {
    return new OnebitError(`layer ${this.name} (${printable(this.kind)}): ${why}`);
  }

  expect(holds: boolean, why: string): void {
    if (!holds) throw this.error(why);
  }
}

export const show = (value: unknown): string => printable(JSON.stringify(value) ?? "absent");
