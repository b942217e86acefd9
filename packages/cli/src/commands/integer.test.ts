import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const data = () => `idx:${path("data")}`;

interface Exported {
  readonly arithmetic: string;
  readonly arenaBytes: number;
}

interface Evaluated {
  readonly arithmetic?: string;
  readonly backend: string;
  readonly images: number;
  readonly loss: number;
}

beforeAll(async () => {
  await writeFloatModel(path("float.safetensors"), tinyBnext());
  await onebit("pack", path("float.safetensors"), "-o", path("net.onebit"));
  await writeIdxFolder(path("data"), { side: 8, classes: 4 });
});

const exported = (folder: string, ...more: string[]) =>
  onebitJson<Exported>(
    ...["export", path("net.onebit"), "--to", "c", "-o", path(folder), "--integer", ...more],
  );
const evaluated = (...more: string[]) =>
  onebitJson<Evaluated>("eval", path("net.onebit"), "--data", data(), ...more);

describe("whole numbers", () => {
  it("are measured as they are exported, with generated images and with one's own", async () => {
    const [plain, own] = [await exported("plain"), await exported("own", "--calibrate", data())];
    expect(plain.arithmetic).toMatch(/^[0-9a-f]{8}$/);
    expect(own.arithmetic).not.toBe(plain.arithmetic);
    expect(await readFile(path("plain/net.h"), "utf8")).toContain(`"${plain.arithmetic}"`);
    expect(await evaluated("--integer")).toMatchObject({
      ...{ arithmetic: plain.arithmetic, backend: "integer" },
    });
    const measured = await evaluated("--integer", "--calibrate", data());
    expect(measured.arithmetic).toBe(own.arithmetic);
    const float = await evaluated();
    expect(float.arithmetic).toBeUndefined();
    expect(Math.abs(measured.loss - float.loss)).toBeLessThan(0.1 * float.loss);
  }, 60_000);

  it("are ONNX of a float network too, near it on ONNX Runtime", async () => {
    await writeFloatModel(path("twin.safetensors"), tinyBnext({ form: "real" }));
    const written = ["--to", "onnx", "-o", path("twin.onnx"), "--integer", "--calibrate", data()];
    await onebitJson("export", path("twin.safetensors"), ...written);
    const of = (file: string) => onebitJson<Evaluated>("eval", path(file), "--data", data());
    const [float, bytes] = [await of("twin.safetensors"), await of("twin.onnx")];
    expect(bytes.images).toBe(float.images);
    expect(Math.abs(bytes.loss - float.loss)).toBeLessThan(0.1 * float.loss);
  });

  it("take half the RAM of float", async () => {
    const float = await onebitJson<Exported>(
      ...["export", path("net.onebit"), "--to", "c", "-o", path("float")],
    );
    const { arenaBytes } = await exported("half");
    expect(arenaBytes).toBeLessThan(0.6 * float.arenaBytes);
  });

  it.each<[string[], number, RegExp]>([
    [["eval", "net.onebit", "--data", "DATA", "--calibrate", "DATA"], 2, /goes with --integer/],
    [
      ["eval", "net.onebit", "--data", "DATA", "--integer", "--backend", "wasm"],
      ...([2, /--integer does not go with --backend/] as const),
    ],
    [["eval", "float.safetensors", "--data", "DATA", "--integer"], 2, /or pack it first/],
    [
      ["eval", "net.onebit", "--data", "DATA", "--integer", "--calibrate", "idx:nowhere"],
      ...([2, /nowhere/] as const),
    ],
    [
      ["export", "net.onebit", "--to", "onnx", "-o", "x", "--integer"],
      2,
      /ranges come from up to 500/,
    ],
    [
      ["export", "net.onebit", "--to", "c", "-o", "x", "--integer", "--calibrate", "cats"],
      ...([2, /cats/] as const),
    ],
    [["export", "net.onebit", "--to", "c", "-o", "x", "--calibrate", "DATA"], 2, /--integer/],
  ])("%j is refused", async (args, code, message) => {
    const known = args.map((arg) => {
      if (arg === "DATA") return data();
      return /^(x|.*\.onebit|.*\.safetensors)$/.test(arg) ? path(arg) : arg;
    });
    const { status, stderr } = await onebit(...known);
    expect(stderr).toMatch(message);
    expect(status).toBe(code);
    expect(existsSync(path("x"))).toBe(false);
  });
});
