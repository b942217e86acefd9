import { OnebitError } from "onebit";
import { printable } from "../text.js";

/** What a pickle can hold here. No object of it has code behind it. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array<ArrayBuffer>
  | PickleList
  | PickleTuple
  | PickleDict
  | PickleGlobal
  | PickleObject;

export type PickleKey = string | number | bigint | boolean | null;

export class PickleList {
  readonly items: PickleValue[] = [];
}

export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

export class PickleDict {
  readonly entries = new Map<PickleKey, PickleValue>();

  set(key: PickleValue, value: PickleValue): void {
    if (typeof key === "object" && key !== null) {
      throw new OnebitError(
        `pickle: a dict has ${describe(key)} as a key; known are texts and numbers`,
      );
    }
    // In Python 1, 1.0 and True are one key.
    const same = typeof key === "boolean" ? Number(key) : key;
    if (this.entries.has(same)) {
      throw new OnebitError(`pickle: the key ${printable(String(key))} occurs twice in one dict`);
    }
    this.entries.set(same, value);
  }
}

/** A name of the allow-list. Only those with `call` can be applied to arguments. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    readonly call?: (args: readonly PickleValue[]) => PickleValue,
  ) {}
}

/** A value that one of the allowed names makes: a tensor, a storage, a NumPy type. */
export abstract class PickleObject {
  abstract readonly kind: string;
}

/** What a value is, in a few words, for messages. */
export function describe(value: PickleValue): string {
  if (value === null) return "None";
  if (typeof value !== "object") return `the ${typeof value} ${printable(String(value))}`;
  if (value instanceof PickleList) return `a list of ${value.items.length}`;
  if (value instanceof PickleTuple) return `a tuple of ${value.items.length}`;
  if (value instanceof PickleDict) return `a dict of ${value.entries.size}`;
  if (value instanceof PickleGlobal) return value.name;
  if (value instanceof PickleObject) return `a ${value.kind}`;
  return `${value.length} bytes`;
}
