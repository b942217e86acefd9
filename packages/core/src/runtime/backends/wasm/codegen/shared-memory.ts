import { memoryLimits, unsigned } from "./assembler.js";

const IMPORTS = 2;
const HEADER_BYTES = 8;

/**
 * The same module on a memory that threads share: WebAssembly wants the import to say so. The
 * module's only import is "env.memory", as kernels.test.ts checks.
 */
export function withSharedMemory(module: Uint8Array): Uint8Array {
  for (let at = HEADER_BYTES; at < module.length; ) {
    const size = readUnsigned(module, at + 1);
    const end = size.end + size.value;
    if (module[at] === IMPORTS) {
      const content = Array.from(module.subarray(size.end, end));
      const names = content.slice(0, content.length - memoryLimits(false).length);
      const shared = [...names, ...memoryLimits(true)];
      return Uint8Array.from([
        ...module.subarray(0, at),
        IMPORTS,
        ...unsigned(shared.length),
        ...shared,
        ...module.subarray(end),
      ]);
    }
    at = end;
  }
  throw new Error("wasm: a module without imports");
}

function readUnsigned(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let at = start, shift = 0; ; at++, shift += 7) {
    value |= (bytes[at] & 0x7f) << shift;
    if (bytes[at] < 0x80) return { value, end: at + 1 };
  }
}
