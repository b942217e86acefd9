import { OnebitError } from "onebit";
import type { SymbolNode } from "../../readers/mxnet/symbol.js";
import { printable } from "../../readers/text.js";

/** They say how fast, not what. */
const irrelevant = /^(workspace|cudnn_tune|cudnn_off|__\w+__)$/;

/**
 * The attributes of one operator. Each is asked for with MXNet's default; `finish` refuses the ones
 * that nobody asked for, because what they mean would be lost.
 */
export class NodeAttributes {
  readonly #left: Map<string, string>;

  constructor(readonly node: SymbolNode) {
    this.#left = new Map([...node.attributes].filter(([name]) => !irrelevant.test(name)));
  }

  /** "(3, 3)": height and width. */
  pair(name: string, fallback?: readonly [number, number]): readonly [number, number] {
    const text = this.#take(name);
    if (text === undefined && fallback) return fallback;
    const match = /^[([]\s*(\d{1,4})\s*,\s*(\d{1,4})\s*[)\]]$/.exec(text ?? "");
    if (match) return [Number(match[1]), Number(match[2])];
    throw this.error(name, text, "must be height and width, such as (3, 3)");
  }

  count(name: string, fallback?: number): number {
    const text = this.#take(name);
    if (text === undefined && fallback !== undefined) return fallback;
    if (/^[1-9]\d{0,6}$/.test(text ?? "")) return Number(text);
    throw this.error(name, text, "must be a whole number from 1");
  }

  positive(name: string, fallback: number): number {
    const text = this.#take(name);
    const value = text === undefined ? fallback : Number(text || Number.NaN);
    if (value > 0 && Number.isFinite(value)) return value;
    throw this.error(name, text, "must be a number above 0");
  }

  flag(name: string, fallback: boolean): boolean {
    const text = this.#take(name);
    if (text === undefined) return fallback;
    if (/^(True|1)$/i.test(text)) return true;
    if (/^(False|0)$/i.test(text)) return false;
    throw this.error(name, text, "must be True or False");
  }

  /** For attributes of which one meaning alone is known here. */
  only(name: string, known: string, fallback = known): void {
    const text = this.#take(name) ?? fallback;
    if (text !== known) throw this.error(name, text, `only ${known} is known`);
  }

  finish(): void {
    for (const [name, text] of this.#left) {
      throw this.error(name, text, "what that means for the network is not known");
    }
  }

  error(name: string, text: string | undefined, wanted: string): OnebitError {
    const { name: node, op } = this.node;
    const value = text === undefined ? "is missing" : `is ${printable(text)}`;
    return new OnebitError(`${printable(node)} (${printable(op)}): ${name} ${value}; ${wanted}`);
  }

  #take(name: string): string | undefined {
    const text = this.#left.get(name);
    this.#left.delete(name);
    return text;
  }
}
