/** The process of one of several trainings side by side: trains an epoch whenever its parent says so. */
import { openDataset, openLoader } from "../data/index.js";
import { createEngine } from "../engine/node.js";
import { resolveRecipe } from "../recipes/index.js";
import { trainEpoch } from "../run/epoch.js";
import { prepare } from "../run/prepare.js";
import { beginning } from "../run/train.js";
import type { BesideJob } from "./beside-cost.js";
import { timed } from "./step-cost.js";

process.on("disconnect", () => process.exit());

process.once("message", async ({ model, batch, steps, threads }: BesideJob) => {
  const recipe = resolveRecipe("plain", { batch, microBatch: batch, epochs: 1000 });
  const images = { trainImages: steps * batch, testImages: batch };
  const data = await openDataset("glyphs", images);
  // Nothing is written: the folder is only what a training has to have.
  const setup = await prepare(recipe, { data, out: "unused", model, threads });
  const { snapshot } = await beginning(setup, {});
  const engine = await createEngine(setup.plan, snapshot.values);
  const loader = openLoader(data);
  let epoch = 0;
  process.on("message", async () => {
    const onStep = async () => {};
    process.send!(await timed(() => trainEpoch({ setup, engine, loader, epoch: epoch++, onStep })));
  });
  process.send!("ready");
});
