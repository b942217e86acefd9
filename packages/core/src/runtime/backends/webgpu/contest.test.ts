import { afterEach, expect, it, vi } from "vitest";
import type { Program } from "../../../program/types.js";
import type { Backend } from "../../backend.js";
import type { Chosen } from "../../backends.js";
import { reference } from "../reference/index.js";
import { contest } from "./contest.js";

const program: Program = {
  values: [{ name: "x", kind: "vector", shape: [1, 1, 4] }],
  ...{ input: 0, steps: [], outputs: { x: 0 } },
};

const disposed: string[] = [];

/** A backend whose runs take so many milliseconds, and which is ready after some. */
function taking(name: string, milliseconds: number, ready = 0): Backend {
  const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time));
  return {
    ...{ ...reference, name },
    async compile() {
      await pause(ready);
      return {
        async run() {
          await pause(milliseconds);
          return {};
        },
        dispose: () => disposed.push(name),
      };
    },
  };
}

const ADAPTER = { vendor: "acme", architecture: "fast", isFallbackAdapter: false };

/** What comes of wasm against webgpu in a browser with that adapter. */
async function between(wasm: Backend, webgpu: () => Promise<Backend>, info?: object) {
  const adapter = info && { info: { description: "", ...info } };
  vi.stubGlobal("navigator", { gpu: { requestAdapter: async () => adapter } });
  const executable = await wasm.compile(program, {}, { threads: 1 });
  const chosen: Chosen = { backend: wasm, executable, reasons: { native: "runs in Node only" } };
  const { backend, reasons } = await contest(chosen, webgpu, program, {}, { threads: 1 });
  return { taken: backend.name, reasons, disposed: disposed.splice(0) };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

const never = async () => {
  throw new Error("was loaded");
};

it("takes the GPU where it is faster, and says by how much", async () => {
  const gpu = taking("webgpu", 2);
  const { taken, reasons, disposed } = await between(taking("wasm", 20), async () => gpu, ADAPTER);
  expect(taken).toBe("webgpu");
  expect(reasons.native).toBe("runs in Node only");
  expect(reasons.wasm).toMatch(
    /^webgpu takes \d+\.\d ms for an image on acme fast, wasm \d+\.\d ms$/,
  );
  expect(disposed).toEqual(["wasm"]);
});

it("stays with what it had where the GPU is not faster", async () => {
  const gpu = taking("webgpu", 20);
  const { taken, reasons, disposed } = await between(taking("wasm", 20), async () => gpu, ADAPTER);
  expect(taken).toBe("wasm");
  expect(reasons.webgpu).toMatch(/^\d+\.\d ms for an image on acme fast, wasm \d+\.\d ms$/);
  expect(disposed).toEqual(["webgpu"]);
});

it.each([
  ["networks that take no time", 1, ADAPTER, /^not tried: wasm takes \d\.\d ms for an image$/],
  ["no adapter", 20, undefined, /^no adapter$/],
  [
    "an adapter in software",
    20,
    { vendor: "google", architecture: "swiftshader" },
    /^not tried: google swiftshader is software$/,
  ],
  ["one that says so", 20, { ...ADAPTER, isFallbackAdapter: true }, /is software$/],
])("loads nothing for %s", async (_, milliseconds, info, why) => {
  const { taken, reasons, disposed } = await between(taking("wasm", milliseconds), never, info);
  expect(taken).toBe("wasm");
  expect(reasons.webgpu).toMatch(why);
  expect(disposed).toEqual([]);
});

it("stays with what it had where the GPU fails, or takes too long to get ready", async () => {
  const failing = await between(taking("wasm", 20), never, ADAPTER);
  expect(failing).toMatchObject({ taken: "wasm", reasons: { webgpu: "was loaded" } });
  const late = async () => taking("webgpu", 1, 3100);
  const slow = await between(taking("wasm", 20), late, ADAPTER);
  expect(slow).toMatchObject({ taken: "wasm", reasons: { webgpu: "not ready within 3 s" } });
  await vi.waitFor(() => expect(disposed).toEqual(["webgpu"]));
});
