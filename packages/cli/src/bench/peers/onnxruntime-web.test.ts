import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { bareConvolution, bareShape } from "../bare-convolution.js";
import { installedVersion, onnxRuntimeWeb } from "./onnxruntime-web.js";

it("says how to install it where it is absent", () => {
  const nothing = () => undefined;
  const resolve = () => {
    throw new Error("Cannot find module 'onnxruntime-web'");
  };
  const require = Object.assign(nothing, { resolve }) as unknown as NodeJS.Require;
  expect(() => installedVersion(require)).toThrow(
    "not installed here: npm install onnxruntime-web",
  );
  expect(installedVersion(createRequire(import.meta.url))).toMatch(/^\d+\.\d+\.\d+/);
});

it("names the model that it cannot load, and goes on with the next", async () => {
  const engine = await onnxRuntimeWeb(1);
  try {
    const broken = { name: "broken.onnx", bytes: Uint8Array.of(1, 2, 3) };
    await expect(engine.open(broken, 1)).rejects.toThrow(/broken\.onnx: onnxruntime-web cannot/);
    const small = { ...bareShape, inputs: 4, outputs: 4 };
    const { run, loadMs } = await engine.open(bareConvolution(small), 1);
    expect(loadMs).toBeGreaterThan(0);
    expect(await run()).toBeGreaterThan(0);
  } finally {
    await engine.dispose();
  }
});
