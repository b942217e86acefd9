import { join } from "node:path";
import type { Graph, Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { describe, expect, it } from "vitest";
import {
  goldenNetworks,
  goldenTemperature,
} from "../../../core/src/test-support/golden-networks.js";
import { readNpz } from "../../../core/src/test-support/npy.js";
import { runOnnx } from "../../../core/src/test-support/run-onnx.js";
import { shared } from "../../../core/src/test-support/shared.js";
import { readTorchZip } from "../../../core/src/test-support/torch-zip.js";
import { targetsFromLabels, teacherValue } from "../losses/index.js";
import {
  adamDefaults,
  clipFactor,
  type OptimiserConfig,
  optimisersOf,
  type ParameterGroup,
  update,
} from "../optimisers/index.js";
import { bnextGroups } from "../recipes/shared/groups.js";
import { flatten, layoutOf, unflatten } from "../state/index.js";
import { createEngine } from "./node.js";
import { compileTraining } from "./plan.js";

const adamw: OptimiserConfig = {
  ...adamDefaults,
  kind: "adamw",
  weightDecay: 1e-3,
  groups: bnextGroups,
};
const adam: OptimiserConfig = { ...adamDefaults, kind: "adam" };

/** As each family's authors train it. */
const bundles = goldenNetworks.map((network) => {
  const isBnext = network.model.startsWith("bnext");
  return {
    ...network,
    ...(isBnext ? { optimiser: adamw, clip: 5 } : { optimiser: adam, clip: null }),
  };
});

const root = shared("goldens");
const LEARNING_RATE = 1e-3;
const scalars = { temperature: goldenTemperature };

describe.runIf(root !== undefined).each(bundles)("one training step of $name", (bundle) => {
  const load = () => {
    const golden = readNpz(join(root!, bundle.name, "train-step.npz"));
    const state = readTorchZip(join(root!, bundle.name, "state_dict.pth"));
    const network = buildModel(bundle.model, { ...bundle.options, batch: golden.x.shape[0] });
    return { golden, network, state: forNetwork(network, state) };
  };

  it("has the official loss, gradients and forward updates", async () => {
    const { golden, network, state } = load();
    const teacher = { [teacherValue(0)]: golden.teacher_logits };
    const labels = Int32Array.from(golden.labels.data);
    const { shape } = golden.teacher_logits;
    const target = { target: { shape, data: targetsFromLabels(labels, shape[1]) } };
    const losses = { ce: ["cross-entropy", target], kd: ["distribution", teacher] } as const;
    for (const [loss, [text, given]] of Object.entries(losses)) {
      const compiled = compileTraining(network, { loss: text, inputs: shapesOf(given) });
      const outputs = await runOnnx(compiled.onnx, {
        ...Object.fromEntries(compiled.tensors.map((key) => [key, state[key]])),
        x: golden.x,
        ...given,
        ...(compiled.scalars.length ? { temperature: scalar(scalars.temperature) } : {}),
      });
      expect(Math.abs(outputs.loss.data[0] - golden[`${loss}:loss`].data[0])).toBeLessThan(1e-5);
      const norm = golden[`${loss}:grad_norm`].data[0];
      // Clipping works in place, and the official code noted the gradients after it.
      const factor = loss === "ce" ? clipFactor(norm, bundle.clip) : 1;
      const prefix = `${loss}:grad:`;
      const names = Object.keys(golden).filter((name) => name.startsWith(prefix));
      expect(names.length).toBeGreaterThan(2);
      for (const name of names) {
        const { data } = golden[name];
        const gradient = outputs[`grad:${name.slice(prefix.length)}`].data.map((g) => g * factor);
        const [error, size] = [distance(gradient, data), length(data)];
        expect(error, name).toBeLessThanOrEqual(1e-4 * size + 1e-6 * norm);
      }
      for (const key of compiled.updates) {
        const expected = golden[`after_forward:${key}`];
        if (expected) expectNear(outputs[`update:${key}`].data, expected.data, 1e-5, key);
      }
    }
  });

  it("ends with the official parameters and statistics", async () => {
    const { golden, network, state } = load();
    const { optimiser, clip } = bundle;
    const graph = compileTraining(network);
    const layout = layoutOf(network, new Set(graph.gradients), optimiser);
    const training = { graph, optimiser, clip, averageDecay: null };
    const plan = { layout, training, threads: 1 };
    const engine = await createEngine(plan, flatten(layout, state));
    try {
      const result = await engine.step({
        microBatches: [
          {
            images: Float32Array.from(golden.x.data),
            labels: Int32Array.from(golden.labels.data),
          },
        ],
        ...{ learningRate: LEARNING_RATE, scalars },
      });
      const norm = golden["ce:grad_norm"].data[0];
      expect(Math.abs(result.gradientNorm - norm)).toBeLessThan(1e-4 * norm);
      const after = unflatten(layout, (await engine.snapshot()).values);
      for (const [name, { data }] of Object.entries(golden)) {
        if (name.startsWith("after_step:")) {
          const key = name.slice("after_step:".length);
          expectStep(after[key].data, data, golden[`ce:grad:${key}`]?.data, key);
        }
        if (!name.startsWith("after_forward:")) continue;
        const key = name.slice("after_forward:".length);
        // Parameters that the forward pass clamps have moved on in the step.
        if (network.tensors[key].kind !== "parameter") expectNear(after[key].data, data, 1e-5, key);
      }
    } finally {
      await engine.dispose();
    }
  });

  it("learns from a teacher through the engine", async () => {
    const { golden, network, state } = load();
    const { optimiser, clip } = bundle;
    const teacher = { [teacherValue(0)]: golden.teacher_logits };
    const graph = compileTraining(network, { loss: "distribution", inputs: shapesOf(teacher) });
    const layout = layoutOf(network, new Set(graph.gradients), optimiser);
    const training = { graph, optimiser, clip, averageDecay: null };
    const engine = await createEngine({ layout, training, threads: 1 }, flatten(layout, state));
    const batch = () => ({
      images: Float32Array.from(golden.x.data),
      labels: Int32Array.from(golden.labels.data),
    });
    const settings = { learningRate: LEARNING_RATE, scalars };
    try {
      const inputs = { [teacherValue(0)]: Float32Array.from(golden.teacher_logits.data) };
      const result = await engine.step({ microBatches: [{ ...batch(), inputs }], ...settings });
      expect(Math.abs(result.loss - golden["kd:loss"].data[0])).toBeLessThan(1e-5);
      const norm = golden["kd:grad_norm"].data[0];
      expect(Math.abs(result.gradientNorm - norm)).toBeLessThan(1e-4 * norm);
      await expect(engine.step({ microBatches: [batch()], ...settings })).rejects.toThrow(
        /asks for "teacher0.logits" .*, there is none/,
      );
    } finally {
      await engine.dispose();
    }
  });

  it("takes the official optimiser step from the official gradients", async () => {
    const { golden, network, state } = load();
    const keys = Object.keys(golden)
      .filter((name) => name.startsWith("ce:grad:"))
      .map((name) => name.slice("ce:grad:".length));
    const layout = layoutOf(network, new Set(keys), bundle.optimiser);
    const values = flatten(layout, state);
    const gradients = new Float32Array(layout.trained);
    for (const { key, start, end } of layout.segments) {
      if (end > layout.trained) continue;
      gradients.set(golden[`ce:grad:${key}`].data, start);
      // The forward pass has clamped some of them before the step.
      if (golden[`after_forward:${key}`]) values.set(golden[`after_forward:${key}`].data, start);
    }
    const moments = {
      exp_avg: new Float32Array(layout.trained),
      exp_avg_sq: new Float32Array(layout.trained),
    };
    const groups: readonly ParameterGroup[] = layout.groups;
    update({ values, moments, step: 0 }, gradients, groups, await optimisersOf(bundle.optimiser), {
      ...{ learningRate: LEARNING_RATE, gradientScale: 1, clip: bundle.clip, averageDecay: null },
    });
    const after = unflatten(layout, values);
    for (const key of keys) {
      expectStep(
        after[key].data,
        golden[`after_step:${key}`].data,
        golden[`ce:grad:${key}`].data,
        key,
      );
    }
  });
});

/** Adam's first step is about lr * sign(gradient): it says nothing where the gradient is tiny. */
function expectStep(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  gradient: ArrayLike<number> | undefined,
  key: string,
): void {
  for (let i = 0; i < expected.length; i++) {
    if (gradient && Math.abs(gradient[i]) <= 1e-6) continue;
    const error = Math.abs(actual[i] - expected[i]);
    if (error > 1e-5 * Math.abs(expected[i]) + 0.02 * LEARNING_RATE) {
      throw new Error(`${key}[${i}]: ${actual[i]}, ${expected[i]} expected`);
    }
  }
}

function expectNear(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  key: string,
): void {
  const largest = Math.max(...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) {
    if (Math.abs(actual[i] - expected[i]) > tolerance * largest + 1e-6) {
      throw new Error(`${key}[${i}]: ${actual[i]}, ${expected[i]} expected`);
    }
  }
}

/** The checkpoint's tensors in the shapes of the network, mirrors and counters included. */
function forNetwork(network: Graph, state: { [key: string]: Tensor }): { [key: string]: Tensor } {
  return Object.fromEntries(
    Object.entries(network.tensors).map(([key, { shape }]) => {
      if (!state[key]) throw new Error(`${key} is not in the golden checkpoint`);
      return [key, { shape, data: state[key].data }];
    }),
  );
}

function shapesOf(tensors: { readonly [name: string]: Tensor }) {
  return Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]));
}

function scalar(value: number): Tensor {
  return { shape: [], data: Float32Array.of(value) };
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.sqrt(Array.from(a).reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0));
}

function length(a: ArrayLike<number>): number {
  return Math.sqrt(Array.from(a).reduce((sum, x) => sum + x * x, 0));
}
