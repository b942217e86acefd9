import { backendFor, load } from "onebit";

const ORT = new URL("../../node_modules/onnxruntime-web/dist/", import.meta.url);
const LITERT = new URL("../../node_modules/@litertjs/core/", import.meta.url);
const KERNELS = new URL("../../packages/core/wasm/", import.meta.url);

const size = (shape) => shape.reduce((product, dim) => product * dim, 1);
export const noise = (shape) =>
  Float32Array.from({ length: size(shape) }, (_, i) => Math.sin(12.9898 * (i + 1)));

/** Everything that may run here: start() gives a function that runs the network once. */
export function engines({ packed, onnx, x, tflite }) {
  const most = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  const counts = most > 1 ? [1, most] : [1];
  return [
    ...counts.map((threads) => ({
      name: "onebit",
      threads,
      start: () => onebit(packed, x, { backend: "wasm", threads }),
    })),
    {
      name: "onebit, plain SIMD",
      threads: 1,
      start: async () => onebit(packed, x, { backend: await plainSimd() }),
    },
    { name: "onebit, WebGPU", threads: 1, start: () => onebit(packed, x, { backend: "webgpu" }) },
    ...counts.map((threads) => ({
      name: "ONNX Runtime Web, float32",
      threads,
      start: () => onnxRuntime(onnx, x, threads),
    })),
    ...(tflite ? [{ name: "LiteRT.js", threads: most, start: () => liteRt(tflite, most) }] : []),
  ];
}

async function onebit(packed, x, options) {
  const model = await load(packed, options);
  await model.ready();
  if (model.threadsReason) throw new Error(model.threadsReason);
  return () => model.run(x);
}

/** WebAssembly without relaxed SIMD, as browsers have it that are a few years old. */
async function plainSimd() {
  const wasm = await backendFor("wasm");
  const { href } = new URL("simd.wasm", KERNELS);
  const assets = { "simd.wasm": href, "relaxed.wasm": href };
  const compile = (program, tensors, options) =>
    wasm.compile(program, tensors, { ...options, assets });
  return { ...wasm, unavailable: () => wasm.unavailable(), compile };
}

async function onnxRuntime(onnx, { shape, data }, threads) {
  // Threads are a setting of the whole module: each number of them has its own.
  const ort = await import(new URL(`ort.wasm.min.mjs?threads=${threads}`, ORT));
  Object.assign(ort.env.wasm, { numThreads: threads, wasmPaths: ORT.href });
  const session = await ort.InferenceSession.create(onnx, { graphOptimizationLevel: "all" });
  const [first, ...scalars] = session.inputNames;
  const feeds = { [first]: new ort.Tensor("float32", data, shape) };
  for (const name of scalars) feeds[name] = new ort.Tensor("float32", [0], []);
  return () => session.run(feeds);
}

async function liteRt(tflite, threads) {
  const { loadLiteRt, loadAndCompile, Tensor } = await import(new URL("dist/index.js", LITERT));
  await loadLiteRt(new URL("wasm/", LITERT).href, { threads: threads > 1 });
  const model = await loadAndCompile(tflite, {
    accelerator: "wasm",
    cpuOptions: { numThreads: threads },
  });
  const [{ dtype, shape }] = model.getInputDetails();
  const bytes = Uint8Array.from({ length: size([...shape]) }, (_, i) => (i * 7919) % 256);
  const input = new Tensor(dtype.includes("float") ? noise([...shape]) : bytes, [...shape]);
  return async () => {
    for (const output of await model.run([input])) output.delete();
  };
}
