import { describe, expect, test } from "vitest";
import { stateDict } from "../state-dict.js";
import { expectations, expectTensor, fixture, openBytes } from "../test-support/checks.js";

const expected = expectations("torch.json");

describe.each([
  ["torch-zip.pth", "torch-zip"],
  ["torch-zip-protocol4.pth", "torch-zip"],
  ["torch-legacy.pth", "torch-legacy"],
])("%s", (file, format) => {
  test("holds exactly the tensors that PyTorch wrote: views, types, shared storages", async () => {
    const checkpoint = await openBytes(fixture(file));
    expect(checkpoint.format).toBe(format);
    expect([...checkpoint.tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [key, values] of Object.entries(expected)) {
      await expectTensor(checkpoint.tensors.get(key), values);
    }
  });

  test("plain values are metadata: texts, NumPy scalars, lists, types, devices, one-number tensors", async () => {
    const { metadata } = await openBytes(fixture(file));
    const values = Object.fromEntries(
      [...metadata].filter(([key]) => !key.startsWith("optimizer.") && !key.includes("_metadata")),
    );
    expect(values).toEqual({
      epoch: 12,
      arch: "näme",
      best_top1_acc: 72.398,
      count: -5,
      flag: true,
      half: 0.5,
      best: 69.5,
      big: 2n ** 70n,
      none: null,
      neg: -3.5,
      temp: [1, 0.9],
      size: [2, 3],
      dtype: "torch.float16",
      device: "cuda:1",
      where: "cpu",
      "log.loss": [6.5, 3.25],
    });
    expect(metadata.get("optimizer.param_groups.0.betas")).toEqual([0.9, 0.999]);
  });

  test("the state dict comes without its wrapper", async () => {
    const { wrapper, tensors } = stateDict(await openBytes(fixture(file)));
    expect(wrapper).toEqual(["state_dict"]);
    await expectTensor(tensors.get("transposed"), expected["state_dict.transposed"]);
    expect(tensors.get("transposed")?.key).toBe("transposed");
  });
});

test("a bare tensor, and a list", async () => {
  const bare = await openBytes(fixture("torch-tensor.pth"));
  await expectTensor(bare.tensors.get("tensor"), expected["state_dict.sliced"]);
  const listed = await openBytes(fixture("torch-list.pth"));
  await expectTensor(listed.tensors.get("0"), expected["state_dict.plain"]);
  await expectTensor(listed.tensors.get("1.x"), expected["state_dict.scalar"]);
});

test("float32 of every type: what an importer asks for", async () => {
  const { tensors } = await openBytes(fixture("torch-zip.pth"));
  for (const [key, entry] of tensors) {
    const values = expected[key].values.map((value) => Math.fround(Number(value)));
    expect([...(await entry.floats())]).toEqual(values);
  }
});
