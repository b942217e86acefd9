import { OnebitError } from "onebit";
import { printable } from "../text.js";

/** What a pickle can hold here. No object of it has code behind it. */
export type PickleValue = PickleKey | PickleList | PickleDict;

/** What a dict has as keys: texts and numbers by value, everything else by identity. */
export type PickleKey =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array<ArrayBuffer>
  | PickleTuple
  | PickleGlobal
  | PickleObject;

export class PickleList {
  readonly items: PickleValue[] = [];
}

export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

export class PickleDict {
  readonly entries = new Map<PickleKey, PickleValue>();

  set(key: PickleValue, value: PickleValue): void {
    if (key instanceof PickleList || key instanceof PickleDict) {
      throw new OnebitError(`pickle: a dict has ${describe(key)} as a key: it is damaged`);
    }
    // In Python 1, 1.0 and True are one key.
    const same = typeof key === "boolean" ? Number(key) : key;
    if (this.entries.has(same)) {
      throw new OnebitError(
        `pickle: ${describe(key)} occurs twice as a key of one dict: it is damaged`,
      );
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

/**
 * A class or function that is not on the allow-list, or what it would make. Nothing of it is
 * executed: only its name is kept, and what the pickle sets on it as on a dict.
 */
export class PickleOpaque extends PickleObject {
  readonly kind: string;
  items?: PickleDict;
  /** True where its attributes are those of a torch.nn.Module. */
  isModule = false;

  constructor(name: string) {
    super();
    this.kind = printable(name);
  }

  set(key: PickleValue, value: PickleValue): void {
    this.items ??= new PickleDict();
    this.items.set(key, value);
  }
}

/** Helpers of pickle that get the class of what they make as their first argument. */
const makers =
  /(^|\.)(_reconstruct(or)?|__newobj__|__newobj_ex__|getattr|_rebuild_wrapper_subclass)$/;

/** What calling `name` would make, if it were called. */
export function opaqueResult(name: string, args: PickleValue): PickleOpaque {
  const [first] = args instanceof PickleTuple ? args.items : [];
  if (makers.test(name) && first instanceof PickleOpaque) return new PickleOpaque(first.kind);
  // How NumPy writes an array from protocol 5 on.
  return new PickleOpaque(
    /^numpy\._?core\.numeric\._frombuffer$/.test(name) ? "numpy.ndarray" : name,
  );
}

/** What a value is, in a few words, for messages. */
export function describe(value: PickleValue): string {
  if (value === null) return "None";
  if (typeof value !== "object") return `the ${typeof value} ${printable(String(value))}`;
  if (value instanceof PickleList) return `a list of ${value.items.length}`;
  if (value instanceof PickleTuple) return `a tuple of ${value.items.length}`;
  if (value instanceof PickleDict) return `a dict of ${value.entries.size}`;
  if (value instanceof PickleGlobal) return value.name;
  if (value instanceof PickleOpaque) return `a value of ${value.kind}`;
  if (value instanceof PickleObject) return `a ${value.kind}`;
  return `${value.length} bytes`;
}
