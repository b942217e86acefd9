import { OnebitError } from "../../../errors.js";
import { isNode } from "../../../platform/is-node.js";
import type { Assets } from "../../../platform/web-types.js";
import { readKernels } from "./assets.js";
import type { KernelBuild } from "./beside.js";
import { withSharedMemory } from "./codegen/shared-memory.js";

/** The fastest build that this platform takes. */
export function fastestBuild(): KernelBuild {
  return typeof WebAssembly !== "undefined" && WebAssembly.validate(RELAXED_PROBE)
    ? "relaxed"
    : "simd";
}

/** What every module begins with. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d];

const ZERO = [0xfd, 0x0c, ...new Uint8Array(16)];

/** A module of one function that returns a vector. */
const probe = (code: readonly number[]) =>
  Uint8Array.from([
    ...[...MAGIC, 1, 0, 0, 0],
    ...[1, 5, 1, 0x60, 0, 1, 0x7b],
    ...[3, 2, 1, 0],
    ...[10, code.length + 4, 1, code.length + 2, 0, ...code, 0x0b],
  ]);

const SIMD_PROBE = probe(ZERO);
/** i8x16.relaxed_swizzle(0, 0) */
const RELAXED_PROBE = probe([...ZERO, ...ZERO, 0xfd, 0x80, 0x02]);

export interface KernelFile {
  readonly build?: KernelBuild;
  readonly assets?: Assets;
}

const modules = new Map<string, Promise<WebAssembly.Module>>();
const files = new Map<string, Promise<Uint8Array>>();

/** The kernels, compiled once, for a memory that threads share or for one that they do not. */
export function loadKernels(
  shared = false,
  { build = fastestBuild(), assets }: KernelFile = {},
): Promise<WebAssembly.Module> {
  const file = `${build} ${assets}`;
  return once(modules, `${shared} ${file}`, async () => {
    if (typeof WebAssembly === "undefined") {
      throw new OnebitError("this platform has no WebAssembly: use the reference backend");
    }
    if (!WebAssembly.validate(SIMD_PROBE)) {
      throw new OnebitError("the WebAssembly here has no SIMD, which the kernels are made of");
    }
    const bytes = await once(files, file, () => checkedKernels(build, assets));
    return compileKernels(shared ? withSharedMemory(bytes) : bytes);
  });
}

/** What was made before; a failure is forgotten, so that the next call tries again. */
function once<K, T>(known: Map<K, Promise<T>>, key: K, make: () => Promise<T>): Promise<T> {
  const made = known.get(key);
  if (made) return made;
  const making = make().catch((error: unknown) => {
    known.delete(key);
    throw error;
  });
  known.set(key, making);
  return making;
}

async function compileKernels(bytes: Uint8Array): Promise<WebAssembly.Module> {
  const code = bytes as BufferSource;
  try {
    return await WebAssembly.compile(code);
  } catch (error) {
    const why = WebAssembly.validate(code)
      ? "a content security policy needs 'wasm-unsafe-eval' in script-src"
      : "damaged (copy them anew)";
    throw new OnebitError(`the kernels do not compile: ${why}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function checkedKernels(build: KernelBuild, assets: Assets | undefined): Promise<Uint8Array> {
  try {
    const bytes = await readKernels(build, assets);
    if (MAGIC.every((byte, i) => bytes[i] === byte)) return bytes;
    throw new OnebitError(`${build}.wasm: another file comes back (a web page?), no WebAssembly`);
  } catch (error) {
    const advice = isNode()
      ? "reinstall onebit, leave it out of the bundle, or"
      : "serve a copy of node_modules/onebit/wasm and";
    throw new OnebitError(
      `the kernels cannot be read: ${(error as Error).message}; ${advice} say where it is: load(file, { assets })`,
      { cause: error },
    );
  }
}
