import type { Tensor } from "../graph/types.js";
import { readZip } from "./zip.js";

/**
 * Test only: reads a well-formed torch.save zip file of contiguous tensors (the goldens'
 * state_dict.pth). Trusts its input; the product's reader is another one.
 */
export function readTorchZip(path: string): { [key: string]: Tensor } {
  const entries = readZip(path);
  const pickle = [...entries.keys()].find((name) => name.endsWith("/data.pkl"))!;
  const root = pickle.slice(0, -"data.pkl".length);
  return Object.fromEntries(
    unpickle(entries.get(pickle)!, (id) => entries.get(`${root}data/${id}`)!),
  );
}

interface StorageReference {
  readonly type: string;
  readonly bytes: Buffer;
}

/** The few pickle opcodes that a flat state dict uses; pairs [key, tensor] in file order. */
function unpickle(data: Buffer, storage: (id: string) => Buffer): [string, Tensor][] {
  const stack: unknown[] = [];
  const marks: number[] = [];
  const memo = new Map<number, unknown>();
  let at = 0;
  const line = () => {
    const stop = data.indexOf(10, at);
    const text = data.toString("latin1", at, stop);
    at = stop + 1;
    return text;
  };
  const popToMark = () => stack.splice(marks.pop()!);
  const advance = (bytes: number) => {
    at += bytes;
    return at - bytes;
  };
  const opcodes: { [opcode: string]: () => void } = {
    "\x80": () => advance(1),
    c: () => stack.push(`${line()}.${line()}`),
    q: () => memo.set(data[advance(1)], stack.at(-1)),
    r: () => memo.set(data.readUInt32LE(advance(4)), stack.at(-1)),
    h: () => stack.push(memo.get(data[advance(1)])),
    j: () => stack.push(memo.get(data.readUInt32LE(advance(4)))),
    "(": () => marks.push(stack.length),
    ")": () => stack.push([]),
    t: () => stack.push(popToMark()),
    "\x85": () => stack.push(stack.splice(-1)),
    "\x86": () => stack.push(stack.splice(-2)),
    "\x87": () => stack.push(stack.splice(-3)),
    K: () => stack.push(data[advance(1)]),
    M: () => stack.push(data.readUInt16LE(advance(2))),
    J: () => stack.push(data.readInt32LE(advance(4))),
    "\x89": () => stack.push(false),
    "\x88": () => stack.push(true),
    X: () => {
      const length = data.readUInt32LE(advance(4));
      stack.push(data.toString("utf8", advance(length), at));
    },
    Q: () => {
      const [, type, id] = stack.pop() as string[];
      stack.push({ type, bytes: storage(id) } satisfies StorageReference);
    },
    R: () => {
      const args = stack.pop() as unknown[];
      const callee = stack.pop();
      stack.push(callee === "torch._utils._rebuild_tensor_v2" ? rebuild(args) : []);
    },
    u: () => {
      const items = popToMark();
      const dict = stack.at(-1) as unknown[];
      for (let i = 0; i < items.length; i += 2) dict.push([items[i], items[i + 1]]);
    },
  };
  for (;;) {
    const opcode = String.fromCharCode(data[at++]);
    if (opcode === ".") return stack.pop() as [string, Tensor][];
    if (!opcodes[opcode]) throw new Error(`pickle opcode ${JSON.stringify(opcode)} at ${at - 1}`);
    opcodes[opcode]();
  }
}

function rebuild([storage, offset, shape]: unknown[]): Tensor {
  const { type, bytes } = storage as StorageReference;
  const dims = shape as number[];
  const count = dims.reduce((product, dim) => product * dim, 1);
  const wide = type === "torch.LongStorage";
  const at = (i: number) => ((offset as number) + i) * (wide ? 8 : 4);
  const read = (i: number) =>
    wide ? Number(bytes.readBigInt64LE(at(i))) : bytes.readFloatLE(at(i));
  return { shape: dims, data: Float32Array.from({ length: count }, (_, i) => read(i)) };
}
