import { OnebitError } from "../../../errors.js";
import { readAsset } from "../../../platform/asset.js";

const SIMD = new URL("../../../../wasm/simd.wasm", import.meta.url);

let simd: Promise<WebAssembly.Module> | undefined;

/** The kernels, compiled once; a failure is forgotten, so that the next call tries again. */
export function loadKernels(): Promise<WebAssembly.Module> {
  simd ??= compileKernels().catch((error: unknown) => {
    simd = undefined;
    throw error;
  });
  return simd;
}

async function compileKernels(): Promise<WebAssembly.Module> {
  if (typeof WebAssembly === "undefined") {
    throw new OnebitError("wasm: this platform has no WebAssembly: use the reference backend");
  }
  const bytes = await readKernels();
  try {
    return await WebAssembly.compile(bytes as BufferSource);
  } catch (error) {
    throw new OnebitError(
      `wasm: the kernels do not compile here (SIMD missing?): ${(error as Error).message}`,
      { cause: error },
    );
  }
}

async function readKernels(): Promise<Uint8Array> {
  try {
    return await readAsset(SIMD);
  } catch (error) {
    throw new OnebitError(
      `wasm: the kernels cannot be read, build or reinstall the package: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
