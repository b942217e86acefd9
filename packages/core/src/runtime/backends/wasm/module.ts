import { OnebitError } from "../../../errors.js";
import { readAsset } from "../../../platform/asset.js";
import { withSharedMemory } from "./codegen/shared-memory.js";

/**
 * Builds of the kernels; all give the same bits. With relaxed SIMD a lookup is one instruction
 * instead of two: the indices are in range, so what is relaxed about it does not show.
 */
const BUILDS = {
  simd: new URL("../../../../wasm/simd.wasm", import.meta.url),
  relaxed: new URL("../../../../wasm/relaxed.wasm", import.meta.url),
};

export type KernelBuild = keyof typeof BUILDS;

/** The fastest build that this platform takes. */
export function fastestBuild(): KernelBuild {
  return typeof WebAssembly !== "undefined" && WebAssembly.validate(RELAXED_PROBE)
    ? "relaxed"
    : "simd";
}

/** What every module begins with. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d];

const ZERO = [0xfd, 0x0c, ...new Uint8Array(16)];

/** A function that returns i8x16.relaxed_swizzle(0, 0). */
const RELAXED_PROBE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 5, 1, 0x60, 0, 1, 0x7b],
  ...[3, 2, 1, 0],
  ...[10, 43, 1, 41, 0, ...ZERO, ...ZERO, 0xfd, 0x80, 0x02, 0x0b],
]);

const modules = new Map<string, Promise<WebAssembly.Module>>();
const files = new Map<KernelBuild, Promise<Uint8Array>>();

/** The kernels, compiled once, for a memory that threads share or for one that they do not. */
export function loadKernels(
  shared = false,
  build: KernelBuild = fastestBuild(),
): Promise<WebAssembly.Module> {
  return once(modules, `${build} ${shared}`, () => compileKernels(shared, build));
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

async function compileKernels(shared: boolean, build: KernelBuild): Promise<WebAssembly.Module> {
  if (typeof WebAssembly === "undefined") {
    throw new OnebitError("this platform has no WebAssembly: use the reference backend");
  }
  const bytes = await once(files, build, () => readKernels(build));
  const code = (shared ? withSharedMemory(bytes) : bytes) as BufferSource;
  try {
    return await WebAssembly.compile(code);
  } catch (error) {
    const why = WebAssembly.validate(code)
      ? "a content security policy needs 'wasm-unsafe-eval' in script-src"
      : "this platform has no SIMD in WebAssembly";
    throw new OnebitError(`the kernels do not compile: ${why}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function readKernels(build: KernelBuild): Promise<Uint8Array> {
  try {
    const bytes = await readAsset(BUILDS[build]);
    if (MAGIC.every((byte, i) => bytes[i] === byte)) return bytes;
    throw new OnebitError(
      `${BUILDS[build]}: another file comes back (a web page?), no WebAssembly`,
    );
  } catch (error) {
    throw new OnebitError(
      `the kernels cannot be read, build or reinstall the package: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
