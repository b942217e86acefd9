import { OnebitError } from "onebit";
import { type Cursor, f64BigEndian, i32, remaining, u8, u16, u32, u64 } from "../cursor.js";
import {
  asciiOrBytes,
  bytesOf,
  integerOf,
  lineOf,
  pickleLimits,
  textInteger,
  textOf,
} from "./pickle-arguments.js";
import { op, opName } from "./pickle-opcodes.js";
import {
  describe,
  opaqueResult,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleOpaque,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.js";

/** What the format around a pickle allows it to name and to build. */
export interface PicklePolicy {
  /** The meaning of a global name: opaque where it is not on the allow-list. */
  find(module: string, name: string): PickleGlobal | PickleOpaque;
  /** What a persistent id stands for: a storage. */
  persistent(id: PickleValue): PickleValue;
  /** Gives `state` to a value that an allowed name made. */
  build(value: PickleValue, state: PickleValue): void;
}

/**
 * Reads one pickle and executes nothing: a virtual machine of the binary opcodes of protocols 2 to 5
 * whose only calls are those of the policy's allow-list. What other names would make is opaque: it is
 * passed over with all that is done to it. The machine does not recurse, so depth costs no stack.
 *
 * Source: the opcode table of CPython's `pickletools`.
 */
export function unpickle(cursor: Cursor, policy: PicklePolicy): PickleValue {
  const machine = new Machine(cursor, policy);
  for (let count = 0; count < pickleLimits.opcodes; count++) {
    const opcode = u8(cursor);
    if (opcode === op.STOP) return machine.result();
    machine.step(opcode);
  }
  throw new OnebitError(`pickle: more than ${pickleLimits.opcodes} instructions: not a checkpoint`);
}

class Machine {
  readonly #cursor: Cursor;
  readonly #policy: PicklePolicy;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #containers = 0;
  #callItems = 0;

  constructor(cursor: Cursor, policy: PicklePolicy) {
    this.#cursor = cursor;
    this.#policy = policy;
  }

  result(): PickleValue {
    const value = this.#pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) {
      throw new OnebitError("pickle: values are left over at its end: the file is damaged");
    }
    return value;
  }

  step(opcode: number): void {
    if (this.#scalar(opcode) || this.#container(opcode) || this.#reference(opcode)) return;
    const name = opName(opcode);
    throw new OnebitError(
      `pickle: instruction ${name} at byte ${this.#cursor.offset - 1} is not allowed: plain tensors never need it, so the file is damaged, hostile or holds whole objects; save the state_dict alone`,
    );
  }

  #scalar(opcode: number): boolean {
    const c = this.#cursor;
    switch (opcode) {
      case op.NONE:
        return this.#push(null);
      case op.NEWTRUE:
        return this.#push(true);
      case op.NEWFALSE:
        return this.#push(false);
      case op.BININT:
        return this.#push(i32(c));
      case op.BININT1:
        return this.#push(u8(c));
      case op.BININT2:
        return this.#push(u16(c));
      case op.INT:
      case op.LONG:
        return this.#push(textInteger(c));
      case op.LONG1:
        return this.#push(integerOf(c, u8(c)));
      case op.LONG4:
        return this.#push(integerOf(c, u32(c)));
      case op.BINFLOAT:
        return this.#push(f64BigEndian(c));
      case op.SHORT_BINUNICODE:
        return this.#push(textOf(c, u8(c)));
      case op.BINUNICODE:
        return this.#push(textOf(c, u32(c)));
      case op.BINUNICODE8:
        return this.#push(textOf(c, u64(c, "a text's length")));
      case op.SHORT_BINSTRING:
        return this.#push(asciiOrBytes(c, u8(c)));
      case op.BINSTRING:
        return this.#push(asciiOrBytes(c, u32(c)));
      case op.SHORT_BINBYTES:
        return this.#push(bytesOf(c, u8(c)));
      case op.BINBYTES:
        return this.#push(bytesOf(c, u32(c)));
      case op.BINBYTES8:
      case op.BYTEARRAY8:
        return this.#push(bytesOf(c, u64(c, "a length of bytes")));
      default:
        return false;
    }
  }

  #container(opcode: number): boolean {
    switch (opcode) {
      case op.MARK:
        return this.#mark();
      case op.POP:
        return this.#discard();
      case op.POP_MARK:
        this.#popToMark();
        return true;
      case op.DUP: {
        const value = this.#pop();
        this.#push(value);
        return this.#push(value);
      }
      case op.EMPTY_TUPLE:
        return this.#push(this.#made(new PickleTuple([])));
      case op.TUPLE1:
        return this.#tuple(1);
      case op.TUPLE2:
        return this.#tuple(2);
      case op.TUPLE3:
        return this.#tuple(3);
      case op.TUPLE:
        return this.#push(this.#made(new PickleTuple(this.#popToMark())));
      case op.EMPTY_LIST:
        return this.#push(this.#made(new PickleList()));
      case op.APPEND:
        return this.#append([this.#pop()]);
      case op.APPENDS:
        return this.#append(this.#popToMark());
      case op.EMPTY_DICT:
        return this.#push(this.#made(new PickleDict()));
      case op.SETITEM: {
        const value = this.#pop();
        return this.#setItems([this.#pop(), value]);
      }
      case op.SETITEMS:
        return this.#setItems(this.#popToMark());
      case op.EMPTY_SET:
        return this.#push(this.#made(new PickleOpaque("set")));
      case op.FROZENSET:
        this.#popToMark();
        return this.#push(this.#made(new PickleOpaque("frozenset")));
      case op.ADDITEMS:
        return this.#append(this.#popToMark());
      default:
        return false;
    }
  }

  #reference(opcode: number): boolean {
    const c = this.#cursor;
    switch (opcode) {
      case op.PROTO:
        return this.#protocol(u8(c));
      case op.FRAME:
        return this.#frame(u64(c, "a frame's length"));
      case op.GLOBAL:
        return this.#global(lineOf(c), lineOf(c));
      case op.STACK_GLOBAL: {
        const name = this.#pop();
        return this.#global(this.#pop(), name);
      }
      case op.REDUCE:
      case op.NEWOBJ: {
        const args = this.#pop();
        return this.#construct(this.#pop(), args);
      }
      case op.NEWOBJ_EX: {
        this.#pop();
        const args = this.#pop();
        return this.#push(this.#opaque(this.#pop(), args));
      }
      case op.OBJ: {
        const [callee = null, ...args] = this.#popToMark();
        return this.#construct(callee, new PickleTuple(args));
      }
      case op.INST: {
        const callee = this.#find(lineOf(c), lineOf(c));
        return this.#construct(callee, new PickleTuple(this.#popToMark()));
      }
      case op.BUILD: {
        const state = this.#pop();
        this.#policy.build(this.#top(), state);
        return true;
      }
      case op.BINPERSID:
        return this.#push(this.#made(this.#policy.persistent(this.#pop())));
      case op.BINGET:
        return this.#get(u8(c));
      case op.LONG_BINGET:
        return this.#get(u32(c));
      case op.BINPUT:
        return this.#put(u8(c));
      case op.LONG_BINPUT:
        return this.#put(u32(c));
      case op.MEMOIZE:
        return this.#put(this.#memo.size);
      default:
        return false;
    }
  }

  #push(value: PickleValue): true {
    if (this.#stack.push(value) > pickleLimits.stack) {
      throw new OnebitError(
        `pickle: more than ${pickleLimits.stack} values wait: not a checkpoint`,
      );
    }
    return true;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #top(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) return this.#missing();
    return this.#stack[this.#stack.length - 1];
  }

  #missing(): never {
    throw new OnebitError(
      `pickle: a value is missing at byte ${this.#cursor.offset}: the file is damaged`,
    );
  }

  #mark(): true {
    if (this.#marks.push(this.#stack.length) > pickleLimits.marks) {
      throw new OnebitError(
        `pickle: nested more than ${pickleLimits.marks} deep: not a checkpoint`,
      );
    }
    return true;
  }

  #popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) {
      throw new OnebitError(
        `pickle: a mark is missing at byte ${this.#cursor.offset}: it is damaged`,
      );
    }
    return this.#stack.splice(mark);
  }

  /** POP also removes a mark that is on top. */
  #discard(): true {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.#pop();
    return true;
  }

  #made<T>(value: T): T {
    if (++this.#containers > pickleLimits.containers) {
      throw new OnebitError(
        `pickle: more than ${pickleLimits.containers} objects: not a checkpoint`,
      );
    }
    return value;
  }

  #tuple(size: number): true {
    if (this.#stack.length - (this.#marks.at(-1) ?? 0) < size) return this.#missing();
    return this.#push(this.#made(new PickleTuple(this.#stack.splice(-size))));
  }

  #append(items: PickleValue[]): true {
    const list = this.#top();
    if (list instanceof PickleOpaque) return true;
    if (!(list instanceof PickleList)) {
      throw new OnebitError(`pickle: items are appended to ${describe(list)}: it is damaged`);
    }
    for (const item of items) list.items.push(item);
    return true;
  }

  #setItems(pairs: PickleValue[]): true {
    const dict = this.#top();
    const isDict = dict instanceof PickleDict || dict instanceof PickleOpaque;
    if (!isDict || pairs.length % 2) {
      throw new OnebitError(`pickle: items are set on ${describe(dict)}: it is damaged`);
    }
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i], pairs[i + 1]);
    return true;
  }

  #protocol(version: number): true {
    if (version >= 2 && version <= 5) return true;
    throw new OnebitError(`pickle: protocol ${version}; known are 2 to 5`);
  }

  #frame(length: number): true {
    if (length <= remaining(this.#cursor)) return true;
    this.#cursor.exhausted = true;
    throw new OnebitError("pickle: a frame is longer than the file: it is truncated");
  }

  #global(module: PickleValue, name: PickleValue): true {
    if (typeof module !== "string" || typeof name !== "string") {
      throw new OnebitError("pickle: a name is not a text: it is damaged");
    }
    return this.#push(this.#find(module, name));
  }

  #find(module: string, name: string): PickleGlobal | PickleOpaque {
    if (module.length + name.length <= 2 * pickleLimits.nameBytes) {
      return this.#policy.find(module, name);
    }
    throw new OnebitError(
      `pickle: a name of ${module.length + name.length} characters: it is damaged`,
    );
  }

  /** Calls what is on the allow-list; what anything else would make is opaque. */
  #construct(callee: PickleValue, args: PickleValue): true {
    if (!(callee instanceof PickleGlobal && callee.call)) {
      return this.#push(this.#opaque(callee, args));
    }
    if (!(args instanceof PickleTuple)) {
      throw new OnebitError(
        `pickle: ${callee.name} gets ${describe(args)} as arguments: it is damaged`,
      );
    }
    this.#charge(args);
    return this.#push(this.#made(callee.call(args.items)));
  }

  #opaque(callee: PickleValue, args: PickleValue): PickleOpaque {
    if (callee instanceof PickleGlobal || callee instanceof PickleOpaque) {
      const name = callee instanceof PickleGlobal ? callee.name : callee.kind;
      return this.#made(opaqueResult(name, args));
    }
    throw new OnebitError(
      `pickle: it calls ${describe(callee)}: it is damaged, nothing was executed`,
    );
  }

  /** Counts what a call may go through: lists in its arguments, and lists in these. */
  #charge(value: PickleValue, depth = 3): void {
    this.#callItems += typeof value === "string" ? value.length : 1;
    if (this.#callItems > pickleLimits.callItems) {
      throw new OnebitError(
        `pickle: calls get more than ${pickleLimits.callItems} items: not a checkpoint`,
      );
    }
    if (depth === 0 || !(value instanceof PickleList || value instanceof PickleTuple)) return;
    for (const item of value.items) this.#charge(item, depth - 1);
  }

  #get(index: number): true {
    const value = this.#memo.get(index);
    if (value === undefined) {
      throw new OnebitError(
        `pickle: it refers to value ${index}, which was never kept: it is damaged`,
      );
    }
    return this.#push(value);
  }

  #put(index: number): true {
    this.#memo.set(index, this.#top());
    if (this.#memo.size > pickleLimits.memo) {
      throw new OnebitError(
        `pickle: keeps more than ${pickleLimits.memo} values: not a checkpoint`,
      );
    }
    return true;
  }
}
