import { printable } from "../text.js";
import type { Unread, UnreadValue } from "../unread.js";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Far more than anybody reads; the rest is counted. */
const maxListed = 1000;

/** Collects what is not read; values of one kind in one list are one entry. */
export class UnreadList {
  readonly #values = new Map<string, Mutable<UnreadValue>>();
  #count = 0;

  add(path: readonly string[], what: string, isModule = false): void {
    this.#count++;
    const whole = path.join(".");
    const alike = `${whole.replace(/\d+$/, "")}\0${what}`;
    const known = this.#values.get(alike);
    if (known) known.more++;
    else if (this.#values.size < maxListed) {
      const name = what.replace(/^(builtins|__builtin__)\./, "");
      this.#values.set(alike, { place: printable(whole), what: name, more: 0, isModule });
    }
  }

  listed(): Unread {
    return { values: [...this.#values.values()], count: this.#count };
  }
}
