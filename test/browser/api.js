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
