import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, promisify } from "node:util";
import { readSafetensors, storedFloat32, writeSafetensors } from "onebit/file";
import { typesOf } from "onebit/graph";
import { buildModel, models } from "onebit/models";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeScenes } from "../packages/cli/src/test-support/scenes.js";
import { randomWeights } from "../packages/core/src/test-support/random-weights.js";
import { listingsIn } from "./browser/markdown.js";

const execute = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const page = await readFile(join(root, "docs/features.md"), "utf8");
/** Of all blocks without a language: what users type. */
const listings = listingsIn(page);
const commands = listings.filter(({ language }) => language === "").map(({ code }) => code);
let folder: string;

/** One of every family that has feature maps. */
const families = [
  ...new Map(
    Object.entries(models)
      .toReversed()
      .map(([name, { family }]) => [family, name]),
  ).values(),
]
  .map((name) => ({ name, ...outputsOf(name) }))
  .filter(({ stages }) => stages);

/** Channels of the pooled vector, and of every map at its stride. */
function outputsOf(name: string) {
  const graph = buildModel(name);
  const types = typesOf(graph);
  const channels = (output: string) => types.get(graph.outputs[output])?.shape[1];
  const strides = Object.keys(graph.outputs).flatMap(
    (output) => /^stage-(\d+)$/.exec(output)?.[1] ?? [],
  );
  const stages = strides.map((stride) => `${stride}: ${channels(`stage-${stride}`)}`).join(", ");
  return { features: channels("features"), stages };
}

it.each(families)("says what the outputs of $name are", ({ name, features, stages }) => {
  expect(page).toContain(`| \`${name}\` | ${features} | ${stages} |`);
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-features-page-"));
  // Of the smallest BNext there is, for four classes that have no names.
  const options = { widths: [8, 16, 16], classes: 4, input: [3, 32, 32] } as const;
  const stored = Object.entries(randomWeights(buildModel("bnext", options), 7)).map(
    ([key, { shape, data }]) => [key, storedFloat32(shape, data)] as const,
  );
  const file = writeSafetensors({ metadata: {}, tensors: Object.fromEntries(stored) });
  await writeFile(join(folder, "checkpoint.safetensors"), file);
  await writeScenes(join(folder, "photos"), 6);
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await copyFile(join(root, "models/fashion-mnist.onebit"), join(folder, "fashion-mnist.onebit"));
  await copyFile(join(folder, "photos/fish/fish-1.jpg"), join(folder, "photo.jpg"));
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

/** Short trainings, and photographs of what the test has instead of a cat. */
const PRELUDE = `set -e
npx() { shift; if [ "$1" = train ]; then set -- "$@" --epochs 1 --threads 1; fi
  command node ${join(root, "packages/cli/bin/onebit.js")} "$@"; }
node() { command node "${root}$1" 1 64; }
`;

it("every command of docs/features.md works, in its order", async () => {
  expect(commands.length).toBeGreaterThan(5);
  const script = join(folder, "commands.sh");
  const text = commands.join("").replaceAll("photos/cat/1.jpg", "photos/fish/fish-1.jpg");
  await writeFile(script, PRELUDE + text);
  const { stdout } = await execute("bash", [script], { cwd: folder, maxBuffer: 2 ** 24 });
  expect(stdout).toMatch(/photos\.index: 18 vectors of \d+ floats/);
  expect(stdout).toMatch(/^ +-?0\.0000 {2}photos\/fish\/fish-1\.jpg$/m);
  expect(stdout).toMatch(/"distance": 0,?$/m);
  expect(stdout).toMatch(/^mine\.onebit: .*, classes fish, flower, house$/m);
  const run = JSON.parse(await readFile(join(folder, "runs/mine/run.json"), "utf8"));
  expect(run.model).toMatchObject({ name: "bnext", options: { widths: [8, 16, 16] } });
  const [before, after] = await Promise.all(
    ["network.safetensors", "runs/mine/best/model.safetensors"].map(async (path) => {
      return readSafetensors(await readFile(join(folder, path))).tensors;
    }),
  );
  const changed = Object.keys(before).filter(
    (key) => !isDeepStrictEqual(before[key].data, after[key].data),
  );
  expect(changed).toContain("feature.2.FFN.move.bias");
  expect(changed.filter((key) => /^feature\.[01]\.(?!.*temperature$)/.test(key))).toEqual([]);
  expect(stdout).toMatch(/^intersection over union 0\.\d+; \d+ bytes$/m);
  const printed = listings
    .filter(({ language }) => language === "ts")
    .map(async ({ code }, i) => {
      const file = join(folder, `${i}.mjs`);
      await writeFile(file, code);
      return (await execute(process.execPath, [file], { cwd: folder })).stdout;
    });
  const [shapes, nearest] = await Promise.all(printed);
  expect(shapes).toMatch(/^\[ 1, 128 \] \[ 1, \d+, \d+, \d+ \]/);
  expect(nearest).toContain("fish-0.jpg");
}, 300_000);
