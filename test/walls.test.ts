import { builtinModules } from "node:module";
import { describe, expect, it } from "vitest";
import { type Import, importsOf, isTest, packages, pathOf, read, splitName } from "./imports.js";

/** What may import what: cli, studio -> train -> convert -> core, and core nothing. */
const ARROWS: { readonly [folder: string]: readonly string[] } = {
  core: [],
  native: ["core"],
  convert: ["core"],
  train: ["core", "convert"],
  cli: ["core", "convert", "train"],
  studio: ["core", "convert", "train"],
  fuzz: ["core", "native", "convert"],
};

const RUNTIME_SIDE =
  "program file runtime image images platform cache words conformance search".split(" ");
const GRAPH_SIDE = ["ops", "graph", "models", "pack", "onnx", "cost"];

const all = packages();
const folderOf = new Map(all.map(({ manifest, folder }) => [manifest.name, folder]));
const isRelative = ({ target }: Import) => target.startsWith(".");
const isNode = ({ target }: Import) =>
  target.startsWith("node:") || builtinModules.includes(target);
const named = (imports: readonly Import[]) =>
  imports.filter((entry) => !isRelative(entry) && !isNode(entry) && !entry.target.startsWith("#"));

it("what is imported is found, in every way of importing", () => {
  const backends = importsOf("packages/core/src/runtime/backends.ts");
  expect(backends).toContainEqual({
    file: "packages/core/src/runtime/backends.ts",
    target: "./backends/wasm/index.js",
    when: "later",
  });
  const later = importsOf("packages/train/src/report/page-html.ts").map(({ target }) => target);
  expect(later).toContain("uplot");
  for (const { files, imports } of all) expect(imports.length).toBeGreaterThan(files.length / 2);
});

describe.each(all)("packages/$folder", ({ folder, manifest, imports }) => {
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest;

  it("imports of the house only what is below it", () => {
    const own = ARROWS[folder];
    expect(own, `packages/${folder} has a line in ARROWS`).toBeDefined();
    const foreign = named(imports).filter(({ target }) => {
      const to = folderOf.get(splitName(target)[0]);
      return to !== undefined && !own.includes(to);
    });
    expect(foreign).toEqual([]);
    const depends = Object.keys({ ...dependencies, ...peerDependencies });
    const house = depends.flatMap((name) => folderOf.get(name) ?? []);
    expect(house.filter((to) => !own.includes(to))).toEqual([]);
    const { references = [] } = JSON.parse(read(`packages/${folder}/tsconfig.json`)) as {
      references?: readonly { path: string }[];
    };
    expect(references.map(({ path }) => path).toSorted()).toEqual(
      house.map((to) => `../${to}`).toSorted(),
    );
  });

  it("imports only packages that it depends on; optional ones late, or as types", () => {
    const bad = named(imports).filter(({ target, when }) => {
      const [name] = splitName(target);
      if (!(name in { ...dependencies, ...peerDependencies })) return true;
      return when === "start" && peerDependenciesMeta[name]?.optional === true;
    });
    expect(bad).toEqual([]);
    const used = new Set(named(imports).map(({ target }) => splitName(target)[0]));
    // A package brings the optional peers of those that it builds on.
    const below = all.filter(({ manifest }) => manifest.name in dependencies);
    const peers = below.flatMap(({ manifest }) => Object.keys(manifest.peerDependencies ?? {}));
    const unused = Object.keys(dependencies).filter((name) => !used.has(name));
    // What building the addon needs: build.mjs asks for its headers.
    const builds = folder === "native" ? ["node-api-headers"] : [];
    expect(unused.filter((name) => !peers.includes(name))).toEqual(builds);
  });

  it("imports of other packages only what they export", () => {
    const deep = named(imports).filter(({ target }) => {
      const [name, path] = splitName(target);
      const to = all.find((other) => other.manifest.name === name);
      return to && !(path in (to.manifest.exports ?? {}));
    });
    expect(deep).toEqual([]);
    const inside = imports.filter(({ target }) => target.startsWith("#"));
    expect(inside.filter(({ target }) => !(target in (manifest.imports ?? {})))).toEqual([]);
  });

  it("stays inside of its folder, and away from tests", () => {
    const relative = imports.filter(isRelative);
    const outside = relative.filter((entry) => !pathOf(entry).startsWith(`packages/${folder}/`));
    expect(outside).toEqual([]);
    expect(relative.filter((entry) => isTest(pathOf(entry)))).toEqual([]);
  });
});

describe("inside core", () => {
  const { files, imports } = all.find(({ folder }) => folder === "core")!;
  const sideOf = (path: string) => path.replace("packages/core/src/", "").split("/")[0];

  it("every folder is on one side of the wall", () => {
    const known = [...RUNTIME_SIDE, ...GRAPH_SIDE];
    const folders = files.flatMap((file) => /core\/src\/(\w+)\//.exec(file)?.[1] ?? []);
    expect([...new Set(folders)].toSorted()).toEqual(known.toSorted());
  });

  it("the runtime side and the root export know nothing of the graph side", () => {
    const crossing = imports.filter((entry) => {
      const from = sideOf(entry.file);
      const isRuntime = RUNTIME_SIDE.includes(from) || from === "index.ts";
      return isRuntime && isRelative(entry) && GRAPH_SIDE.includes(sideOf(pathOf(entry)));
    });
    expect(crossing).toEqual([]);
  });

  it("nothing but platform knows Node", () => {
    const foreign = imports.filter((entry) => isNode(entry) || entry.target === "#node");
    const inside = foreign.filter(({ file }) => file.startsWith("packages/core/src/"));
    expect(inside.filter(({ file }) => sideOf(file) !== "platform")).toEqual([]);
  });
});
