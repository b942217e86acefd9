import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { randomProgram } from "../../../conformance/random-program.js";
import { meanModel } from "../../../test-support/mean-model.js";
import { webgpuHere } from "../../../test-support/webgpu-here.js";
import { acquireGpu } from "./device.js";
import { webgpuBackend } from "./index.js";

const here = await webgpuHere();
const webgpu = webgpuBackend({ prefer: () => "direct" });
const core = fileURLToPath(new URL("../../../..", import.meta.url));

describe.skipIf(!here)("a device", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const { program, tensors, image } = randomProgram(6);
  const compile = () => webgpu.compile(program, tensors, { threads: 1 });

  it("that is lost between runs is followed by a fresh one", async () => {
    const executable = await compile();
    const before = await executable.run(image, 1);
    const first = await acquireGpu();
    first.device.destroy();
    await first.device.lost;
    expect(await executable.run(image, 1)).toEqual(before);
    expect(await acquireGpu()).not.toBe(first);
    executable.dispose();
  });

  it("that is lost during a run is followed by a fresh one", async () => {
    const executable = await compile();
    const before = await executable.run(image, 1);
    const { device } = await acquireGpu();
    const submit = vi.spyOn(Object.getPrototypeOf(device.queue), "submit");
    submit.mockImplementationOnce(() => device.destroy());
    expect(await executable.run(image, 1)).toEqual(before);
    executable.dispose();
  });

  it("that is lost again and again is given up, with a message", async () => {
    const executable = await compile();
    const { device } = await acquireGpu();
    const submit = vi.spyOn(Object.getPrototypeOf(device.queue), "submit");
    submit.mockImplementation(() => acquireGpu().then((gpu) => gpu.device.destroy()));
    await expect(executable.run(image, 1)).rejects.toThrow(
      /^webgpu: the GPU was lost twice in a run \(.+\): run it with backend "wasm"$/,
    );
    submit.mockRestore();
    await executable.run(image, 1);
    executable.dispose();
  });

  it("is not asked by a model that has been disposed of", async () => {
    const executable = await compile();
    executable.dispose();
    await expect(executable.run(image, 1)).rejects.toThrow("has been disposed of");
  });

  it("serves runs that overlap, and more images than it takes at a time", async () => {
    const executable = await compile();
    const count = 70;
    const images = new Float32Array(count * image.length);
    for (let n = 0; n < count; n++)
      images.set(
        image.map((x) => x * (1 + (n % 3))),
        n * image.length,
      );
    const alone = await Promise.all(
      [1, 2, 3].map((by) =>
        executable.run(
          image.map((x) => x * by),
          1,
        ),
      ),
    );
    const running = executable.run(images, count);
    images.fill(Number.NaN);
    for (const [name, data] of Object.entries(await running)) {
      const size = data.length / count;
      for (let n = 0; n < count; n++) {
        expect(data.subarray(n * size, (n + 1) * size)).toEqual(alone[n % 3][name]);
      }
    }
    expect(Object.values(await executable.run(new Float32Array(), 0))[0]).toHaveLength(0);
    await expect(executable.run(image.subarray(1), 1)).rejects.toThrow("numbers wanted");
    executable.dispose();
  });
});

describe("a process", () => {
  let folder: string;
  let model: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-webgpu-"));
    model = join(folder, "mean.onebit");
    await writeFile(model, await meanModel());
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What it prints that asks for WebGPU, with the package in a folder. */
  async function prints(packageFolder: string, env: object = {}): Promise<string> {
    const code = `
      const { load } = await import(${JSON.stringify(pathToFileURL(join(packageFolder, "dist/index.js")))});
      const model = await load(${JSON.stringify(model)}, { backend: "webgpu" }).catch(({ message }) => ({ backend: message }));
      console.log(model.backend);`;
    const args = ["--input-type=module", "-e", code];
    const options = { cwd: folder, timeout: 50_000, env: { ...process.env, ...env } };
    return (await promisify(execFile)(process.execPath, args, options)).stdout.trim();
  }

  it.runIf(here)("ends when it has nothing more to do", async () => {
    expect(await prints(core)).toBe("webgpu");
  });

  it.runIf(here)("without a graphics driver says so", async () => {
    const none = { VK_ICD_FILENAMES: "/nowhere.json", VK_DRIVER_FILES: "/nowhere.json" };
    expect(await prints(core, none)).toMatch(
      /mean\.onebit: backend webgpu: the package webgpu found no graphics adapter: on Linux it needs a Vulkan driver/,
    );
  });

  it("without the package webgpu says what to install", async () => {
    for (const part of ["dist", "package.json"]) {
      await cp(join(core, part), join(folder, part), { recursive: true });
    }
    expect(await prints(folder)).toMatch(
      /mean\.onebit: backend webgpu: in Node it needs the package webgpu, which is not installed: npm install webgpu$/,
    );
  });
});
