import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const at = (path: string) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));

const script = (atTheEnd: string) => `
  import { buildModel } from "onebit/models";
  import { openDataset, openLoader, preprocessFor } from ${JSON.stringify(at("data/index.js"))};
  import { compileTraining, flatten, initialTensors, layoutOf, resolveRecipe, startEngine } from ${JSON.stringify(at("index.js"))};
  const data = await openDataset("glyphs", { trainImages: 64, testImages: 64 });
  const network = buildModel("linear", { classes: 36, input: [3, 8, 8], batch: 4 });
  const { optimiser } = resolveRecipe("plain");
  const graph = compileTraining(network);
  const layout = layoutOf(network, new Set(graph.gradients), optimiser);
  const training = { graph, optimiser, clip: null, averageDecay: null };
  const values = flatten(layout, initialTensors(network, 0));
  const engine = await startEngine({ layout, training, threads: 2, replicas: 2 }, values);
  const loader = openLoader(data, { workers: 1, keep: true });
  const preprocess = preprocessFor(data, { channels: 3, size: [8, 8] });
  for await (const { images } of loader.batches({ split: "train", batch: 4, preprocess })) {
    const labels = Int32Array.of(0, 1, 2, 99);
    const microBatches = [{ images, labels }, { images: images.slice(), labels }];
    await engine.step({ microBatches, learningRate: 1, scalars: {} }).catch(({ message }) => console.log(message));
    break;
  }
  ${atTheEnd}
  console.log("the end");
`;

async function told(atTheEnd: string): Promise<string> {
  const args = ["--input-type=module", "-e", script(atTheEnd)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  return stdout;
}

const wanted = "label 99 does not fit a network of 36 classes\nthe end\n";

it("lets a process end that forgot its engine and loader after a failed step", async () => {
  expect(await told("")).toBe(wanted);
}, 90_000);

it("keeps a process alive while threads are ended", async () => {
  expect(await told("await engine.dispose(); await loader.close();")).toBe(wanted);
}, 90_000);
