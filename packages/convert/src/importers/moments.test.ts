import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { shared } from "../../../core/src/test-support/shared.js";
import type { AsyncBuffer } from "../readers/async-buffer.js";
import { fileBuffer } from "../readers/file-buffer.js";
import { type ImportOptions, importCheckpoint, importMoments } from "./import-checkpoint.js";
import { checkpointOf, type Saved, torchFile, weightsOf } from "./test-support/checkpoints.js";

const goldens = shared("goldens");
const golden = { input: [3, 64, 64], stemStride: 2 } as const;

describe.skipIf(!goldens)("of the official code", () => {
  it("belong to their parameters: each step went against its own mean gradient", async () => {
    const buffers: AsyncBuffer[] = [];
    const open = async (name: string) => {
      const buffer = await fileBuffer(join(goldens!, "reactnet-a-narrow", name));
      buffers.push(buffer);
      return buffer;
    };
    const options: ImportOptions = golden;
    const after = await open("checkpoint-with-optimizer.pth.tar");
    const { step, moments } = await importMoments(after, options);
    expect(step).toBe(1);
    const now = await importCheckpoint(after, { ...options, form: "binary" });
    const before = await importCheckpoint(await open("state_dict.pth"), {
      ...options,
      form: "binary",
    });
    expect(Object.keys(moments).sort()).toEqual(["exp_avg", "exp_avg_sq"]);
    let moved = 0;
    for (const [key, { shape, data: mean }] of Object.entries(moments.exp_avg)) {
      const [was, is] = [before.model.tensors[key], now.model.tensors[key]];
      expect(shape).toEqual(was.shape);
      mean.forEach((m, i) => {
        const difference = is.data[i] - was.data[i];
        if (difference === 0) return;
        moved++;
        expect(Math.sign(difference), `${key} ${i}`).toBe(-Math.sign(m));
        // One step: means are 0.1 and 0.001 of the gradient and of its square.
        const square = moments.exp_avg_sq[key].data[i];
        expect(square / (0.1 * m * m)).toBeCloseTo(1, 3);
      });
    }
    expect(moved).toBeGreaterThan(1000);
    for (const buffer of buffers) await buffer.close?.();
  });
});

const tensors = weightsOf("reactnet", { classes: 4, input: [1, 16, 16], widths: [4, 8] });
const order = Object.keys(tensors).filter((key) => !/running_|num_batches/.test(key));
const isLatent = (key: string) => tensors[key].shape.length === 4 || key.includes("conv");

/** What Adam keeps: of every parameter its own number, and which are in which group. */
function optimizer(...groups: readonly (readonly string[])[]): Saved {
  const ids = new Map(groups.flat().map((key, id) => [key, id]));
  const state = [...ids].map(([key, id]) => {
    const { shape, data } = tensors[key];
    const numbered = { shape, data: data.map(() => order.indexOf(key)) };
    return [String(id), { step: 7, exp_avg: numbered, exp_avg_sq: numbered }] as const;
  });
  const params = groups.map((keys, i) => {
    return [String(i), { lr: 1, params: keys.map((key) => ids.get(key)!) }] as const;
  });
  return { state: Object.fromEntries(state), param_groups: Object.fromEntries(params) };
}

const read = (optimiser: Saved, name = "optimizer") =>
  importMoments(torchFile({ state_dict: tensors, [name]: optimiser }), { input: [1, 16, 16] });

describe("groups of parameters", () => {
  const rest = order.filter((key) => !isLatent(key));
  const decaying = order.filter((key) => tensors[key].shape.length > 1 && !key.endsWith(".bias"));
  const others = order.filter((key) => !decaying.includes(key));
  it.each<[string, readonly (readonly string[])[]]>([
    ["one group", [order]],
    ["ReActNet's two", [rest, order.filter(isLatent)]],
    ["ReActNet's, the other way round", [order.filter(isLatent), rest]],
    ["timm's two", [others, decaying]],
  ])("%s: every moment goes to its parameter", async (_, groups) => {
    const { step, moments } = await read(optimizer(...groups), "optimizer_state_dict");
    expect(step).toBe(7);
    expect(Object.keys(moments.exp_avg).sort()).toEqual([...order].sort());
    for (const [key, { shape, data }] of Object.entries(moments.exp_avg_sq)) {
      expect(shape).toEqual(tensors[key].shape);
      expect(new Set(data), key).toEqual(new Set([order.indexOf(key)]));
    }
  });

  it("parameters that never had a gradient have none", async () => {
    const given = optimizer(order) as { state: { [id: string]: Saved } };
    delete given.state[0];
    const { moments } = await read(given as never);
    expect(Object.keys(moments.exp_avg)).toEqual(order.slice(1));
  });

  it.each<[string, readonly (readonly string[])[], RegExp]>([
    ["too few", [order.slice(1)], /groups, without names, and no known division .* fits it/],
    ["three groups", [order.slice(0, 2), order.slice(2, 5), order.slice(5)], /no known division/],
    ["another division", [order.slice(0, 3), order.slice(3)], /no known division/],
  ])("%s: refused", async (_, groups, message) => {
    await expect(read(optimizer(...groups))).rejects.toThrow(message);
  });

  it("different numbers of steps, and no optimiser at all: refused", async () => {
    const given = optimizer(order) as { state: { [id: string]: { [name: string]: unknown } } };
    given.state[3].step = 8;
    await expect(read(given as never)).rejects.toThrow(/different numbers of steps .*\(7, 8\)/);
    await expect(importMoments(checkpointOf(tensors), { input: [1, 16, 16] })).rejects.toThrow(
      /net.pth: holds no state of an optimiser/,
    );
  });
});
