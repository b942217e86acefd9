import { OnebitError } from "../errors.js";
import type { DistanceEngine, Rows } from "./engine.js";
import { MODULE } from "./module.js";

/** What kernels/distances.ts exports. */
interface Exports {
  hamming(query: number, rows: number, count: number, bytes: number, to: number): void;
  dots(query: number, rows: number, count: number, bytes: number, to: number): void;
}

const PAGE = 65_536;
/** Of 32-bit addresses. */
const MOST_PAGES = 65_536;

/** WebAssembly: rows are copied into its memory once. */
export const wasm: DistanceEngine = {
  name: "wasm",
  async hold({ form, count, data }) {
    const bytes = data.byteLength / count;
    // The first page is the kernels' own.
    const query = PAGE;
    const to = query + aligned(bytes);
    const rows = to + aligned(4 * count);
    const pages = Math.ceil((rows + data.byteLength) / PAGE);
    const memory = memoryOf(pages, data);
    const code = Uint8Array.from(atob(MODULE), (character) => character.charCodeAt(0));
    const { instance } = await WebAssembly.instantiate(code, { env: { memory } });
    const kernels = instance.exports as unknown as Exports;
    const kernel = kernels[form === "bits" ? "hamming" : "dots"];
    const view = viewOf(data);
    new Uint8Array(memory.buffer, rows, view.length).set(view);
    const result =
      form === "bits"
        ? new Int32Array(memory.buffer, to, count)
        : new Float32Array(memory.buffer, to, count);
    return {
      of(asked) {
        new Uint8Array(memory.buffer, query, bytes).set(viewOf(asked));
        kernel(query, rows, count, bytes, to);
        return result;
      },
      dispose: () => {},
    };
  },
};

const aligned = (bytes: number) => Math.ceil(bytes / 64) * 64;

const viewOf = ({ buffer, byteOffset, byteLength }: Rows["data"]) =>
  new Uint8Array(buffer, byteOffset, byteLength);

function memoryOf(pages: number, { byteLength }: Rows["data"]): WebAssembly.Memory {
  try {
    if (pages <= MOST_PAGES) return new WebAssembly.Memory({ initial: pages });
  } catch {
    // Told below: the platform has less.
  }
  throw new OnebitError(
    `an index of ${byteLength} bytes is more than WebAssembly can hold here: keep vectors as bits, or divide it`,
  );
}
