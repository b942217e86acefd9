/**
 * One of the checks of scripts/try-runtimes.mjs, in the runtime that is tried: checks.mjs NAME MODEL PICTURE.
 * Prints the class that the network names, or what went wrong.
 */
import { load } from "onebit";
import { decodeImage } from "onebit/images";

const [name, file, picture] = process.argv.slice(2);

const CHECKS = {
  "load, classify": () => classify({ backend: "wasm" }),
  "2 threads": () => classify({ backend: "wasm", threads: 2 }),
  native: () => classify({ backend: "native" }),
};

async function classify({ backend, threads = 1 }) {
  const model = await load(file, { backend, threads });
  await model.ready();
  if (model.threads !== threads) throw new Error(model.threadsReason);
  const [best] = await model.classify(await decodeImage(picture), { top: 1 });
  model.dispose();
  return best;
}

try {
  const { index } = await CHECKS[name]();
  console.log(`class ${index}`);
} catch (error) {
  console.log(String(error.message).split("\n")[0]);
}
