import { OnebitError } from "onebit";
import { summarize } from "onebit/cost";
import { writeOnebit } from "onebit/file";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { expect, it } from "vitest";
import { tinyBnext } from "../test-support/networks.js";
import { bareShape, convMacs, shapeName } from "./bare-convolution.js";
import { benchInference } from "./inference.js";
import type { OnnxModel, StartEngine } from "./peers/index.js";

const limits = { warmupMs: 0, minRounds: 3, maxRounds: 3, settleMs: 0 };

async function subject() {
  const model = tinyBnext();
  const graph = floatModelGraph(model);
  const packed = await writeOnebit(pack(graph, model.tensors));
  return { name: "tiny", packed, graph, tensors: model.tensors };
}

/** An engine whose runs take what a table says, and which notes every call. */
function fakeEngine(engine: string, ms: (model: string) => number) {
  const calls: string[] = [];
  const start: StartEngine = async (threads) => ({
    ...{ engine, backend: "fake", threads },
    open: async ({ name }: OnnxModel) => ({
      loadMs: 7,
      reload: async () => 5,
      run: async () => {
        calls.push(name);
        return ms(name);
      },
    }),
    dispose: async () => {
      calls.push("disposed");
    },
  });
  return { start, calls };
}

const bare = shapeName(bareShape);

it("rates peers by the network's work and by the bare convolution on the same engine", async () => {
  const network = await subject();
  const { macs } = summarize(network.graph);
  const bareRate = convMacs(bareShape) / 2 / 1e6;
  // The network runs at half the bare rate on one engine, and at the whole rate on the other.
  const slow = fakeEngine("slow", (name) => (name === bare ? 2 : (2 * macs) / bareRate / 1e6));
  const quick = fakeEngine("quick", (name) => (name === bare ? 2 : macs / bareRate / 1e6));
  const { results } = await benchInference(network, {
    ...{ backends: ["reference"], threads: [1], batch: 1, limits },
    peers: { engines: [slow.start, quick.start], models: [] },
    coldLoad: async (_, backend, { threads }) => (backend === "reference" ? 42 + threads : 0),
  });
  expect(results.map(({ engine }) => engine)).toEqual([
    "onebit reference",
    "slow, float32",
    "quick, float32",
  ]);
  const [onebit, first, second] = results;
  expect(first.bareConvGmacs).toBeCloseTo(bareRate, 6);
  expect(first.convGmacs).toBeCloseTo(bareRate / 2, 6);
  expect(first.handicap).toMatch(/^50 % of the bare convolution rate: /);
  expect(second.handicap).toBeUndefined();
  expect(first.ratios.reference).toBeCloseTo(first.medianMs / onebit.medianMs, 9);
  // Of the first load, 7 ms, and four of 5.
  expect(first.loadMs).toBe(5);
  expect([onebit.coldLoadMs, first.coldLoadMs]).toEqual([43, undefined]);
});

it("gives every engine its turns, and ends it", async () => {
  const a = fakeEngine("a", () => 1);
  const shared: string[] = [];
  const b = fakeEngine("b", () => 1);
  for (const { calls, name } of [
    { ...a, name: "a" },
    { ...b, name: "b" },
  ]) {
    const push = calls.push.bind(calls);
    calls.push = (call) => {
      shared.push(`${name} ${call}`);
      return push(call);
    };
  }
  await benchInference(await subject(), {
    ...{ backends: ["reference"], threads: [1], batch: 1, limits },
    peers: { engines: [a.start, b.start], models: [] },
  });
  const timed = shared.slice(4 * 3, 4 * 3 + 3 * 8);
  const round = ["a tiny", "a tiny", "b tiny", "b tiny"].concat(
    ...["a", "b"].map((name) => [`${name} ${bare}`, `${name} ${bare}`]),
  );
  expect(timed).toEqual([...round, ...round, ...round]);
  expect(shared.slice(-2)).toEqual(["a disposed", "b disposed"]);
});

it("goes on without a model that a peer cannot load, on a new engine, and says why", async () => {
  const { start, calls } = fakeEngine("peer", () => 1);
  let starts = 0;
  const forgetful: StartEngine = async (threads) => {
    const engine = await start(threads);
    starts++;
    const open: typeof engine.open = async (model, batch) => {
      if (model.name !== "tiny") return engine.open(model, batch);
      throw new OnebitError("tiny: out of memory");
    };
    return { ...engine, open };
  };
  const { results, failed } = await benchInference(await subject(), {
    ...{ backends: ["reference"], threads: [1], batch: 1, limits },
    peers: { engines: [forgetful], models: [] },
  });
  expect(results.map(({ engine }) => engine)).toEqual(["onebit reference"]);
  const reason = "tiny: out of memory";
  expect(failed).toMatchObject([{ subject: "tiny", engine: "peer, float32", reason }]);
  expect([starts, calls.filter((call) => call === "disposed").length]).toEqual([2, 2]);
});

it("ends every engine where one fails", async () => {
  const good = fakeEngine("good", () => 1);
  const failing: StartEngine = async () => {
    throw new Error("no such engine");
  };
  const run = benchInference(await subject(), {
    ...{ backends: ["reference"], threads: [1], batch: 1, limits },
    peers: { engines: [good.start, failing], models: [] },
  });
  await expect(run).rejects.toThrow("no such engine");
  expect(good.calls).toEqual(["disposed"]);
});
