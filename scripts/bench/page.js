/** How each engine is made ready: a function that runs the network once. */
const starting = {
  async onebit(threads) {
    const { load } = await import("/core/dist/index.js");
    const model = await load("/network.onebit", { backend: "wasm", threads });
    await model.ready();
    if (model.threads !== threads) throw new Error(model.threadsReason);
    const { channels, height, width } = model.info.input;
    const x = { shape: [1, channels, height, width], data: noise(channels * height * width) };
    return () => model.run(x);
  },

  same: (threads) => startOrt("/same.onnx", threads),
  ort: (threads) => startOrt("/float.onnx", threads),

  async litert(threads) {
    const { loadLiteRt, loadAndCompile, Tensor } = await import("/litert/dist/index.js");
    await loadLiteRt("/litert/wasm/", { threads: threads > 1 });
    const cpuOptions = { numThreads: threads };
    const model = await loadAndCompile("/int8.tflite", { accelerator: "wasm", cpuOptions });
    const [{ dtype, shape }] = model.getInputDetails();
    const dims = [...shape];
    const pixels = Uint8Array.from({ length: product(dims) }, (_, i) => (i * 7919) % 256);
    const floats = dtype.includes("float") ? noise(product(dims)) : pixels;
    const x = new Tensor(floats, dims);
    return async () => {
      for (const output of await model.run([x])) output.delete();
    };
  },
};

async function startOrt(url, threads) {
  const ort = await import("/ort/ort.wasm.min.mjs");
  Object.assign(ort.env.wasm, { numThreads: threads, wasmPaths: "/ort/" });
  const session = await ort.InferenceSession.create(url);
  const [{ name, shape }] = session.inputMetadata;
  const dims = shape.map((size) => (typeof size === "number" ? size : 1));
  const feeds = { [name]: new ort.Tensor("float32", noise(product(dims)), dims) };
  return () => session.run(feeds);
}

const product = (dims) => dims.reduce((a, b) => a * b, 1);
const noise = (length) => Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1)));

const runs = {};

globalThis.start = async (name, threads) => {
  if (!globalThis.crossOriginIsolated) throw new Error("the page has no threads");
  runs[name] = await starting[name](threads);
};

/** Milliseconds of one run, by the page's clock. */
globalThis.run = async (name) => {
  const start = performance.now();
  await runs[name]();
  return performance.now() - start;
};
