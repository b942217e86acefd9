import { loadFloatModel, train } from "@onebit/train";
import { openDataset } from "@onebit/train/data";
import { expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { linearNetwork, tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();

it("takes statistics again, on the images that a run learned from and no others", async () => {
  await writeIdxFolder(path("data"), { side: 8, classes: 4 });
  const data = `idx:${path("data")}`;
  const { train: images } = await openDataset(data);
  await train("plain", {
    ...{ data, out: path("run"), model: { name: "bnext", widths: [8, 8] }, validation: 0.25 },
    ...{ worker: false, dataWorkers: 0, threads: 1 },
  });
  const result = await onebitJson<{ layers: number; images: number; after: { top1: number } }>(
    ...["reestimate", path("run"), "-o", path("again.safetensors"), "--batch", "1"],
  );
  expect(result).toMatchObject({ layers: 5, images: 0.75 * images.length });
  const before = await loadFloatModel(path("run"));
  const after = await loadFloatModel(path("again.safetensors"));
  expect(after.card).toEqual({ ...before.card, reestimated: result.images });
  const changed = Object.keys(before.tensors).filter(
    (key) => before.tensors[key].data.join() !== after.tensors[key].data.join(),
  );
  expect(changed).toHaveLength(10);
  expect(changed.every((key) => /running_(mean|var)$/.test(key))).toBe(true);
  const { top1 } = await onebitJson<{ top1: number }>(
    ...["eval", path("again.safetensors"), "--data", data],
  );
  expect(top1).toBe(result.after.top1);
});

it("says what is missing", async () => {
  const file = await writeFloatModel(path("tiny.safetensors"), tinyBnext());
  const linear = linearNetwork({ classes: 4, input: [1, 8, 8] }, ["a", "b", "c", "d"], () => 1);
  const plain = await writeFloatModel(path("linear.safetensors"), linear);
  const refused = async (...args: string[]) => {
    const { status, stderr } = await onebit("reestimate", ...args);
    expect(status).toBe(2);
    return stderr;
  };
  const output = ["-o", path("out.safetensors")];
  expect(await refused(file, ...output)).toContain(
    "is no run, so say which images it learned from: --data SPEC",
  );
  const data = ["--data", `idx:${path("data")}`];
  expect(await refused(plain, ...output, ...data)).toContain(
    "has no batch normalisation whose statistics could be taken again",
  );
  expect(await refused(file, ...data, "-o", path("out.onebit"))).toContain(
    "a float model is a .safetensors file",
  );
});
