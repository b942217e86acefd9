// What the browser test calls, in the page or in a worker. Served as it is: the library comes from
// its build, without a bundler.
import { runConformance, subjectsHere } from "/onebit/dist/conformance/index.js";
import { load } from "/onebit/dist/index.js";
import { picture } from "./picture.js";

/** The conformance suite on these backends and thread counts. */
export async function conformance(options) {
  const { subjects, reasons } = await subjectsHere(options.backends, options.threads);
  return { ...(await runConformance({ ...options, subjects })), passedOver: reasons };
}

/** What a network makes of the picture, given as an ImageData and as an ImageBitmap. */
export async function classify(url, { backend, threads, width, height }) {
  const model = await load(new URL(url, location.href), { backend, threads });
  const { data } = picture({ width, height });
  const image = new ImageData(data, width, height);
  const fromPixels = await model.classify(image, { top: 3 });
  // Long enough for the wasm backend to measure which forms are fast here.
  for (const end = performance.now() + 300; performance.now() < end; ) await model.classify(image);
  const fromBitmap = await model.classify(await createImageBitmap(image), { top: 3 });
  const { logits } = await model.features(image);
  model.dispose();
  return { backend: model.backend, fromPixels, fromBitmap, logits: [...logits.data] };
}

/** What was tried to run a network, or why it cannot be loaded. */
export async function backends(url, { library = "/onebit/dist/index.js", ...options }) {
  const { load, OnebitError } = await import(library);
  try {
    const model = await load(new URL(url, location.href), options);
    const { shape } = model.inputs[Object.keys(model.inputs)[0]];
    const size = shape.reduce((product, side) => product * side, 1);
    await model.run({ shape: [1, ...shape], data: new Float32Array(size) });
    model.dispose();
    return model.info.backends;
  } catch (error) {
    return `${error instanceof OnebitError ? "OnebitError" : "Error"}: ${error.message}`;
  }
}
