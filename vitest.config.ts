import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

const conditions = ["onebit-source", "node", "import", "default"];

/** Tests that leave nothing behind: they share modules, whose import is half of their time. */
const sharing = [
  "packages/core/src/{cost,file,graph,image,models,onnx,ops,pack,program,words}/**/*.test.ts",
  "packages/convert/src/**/*.test.ts",
  "packages/train/src/**/*.test.ts",
  "packages/cli/src/**/*.test.ts",
];
/** In their folders those that put others in the place of modules, where they would stay. */
const replacing = [
  "packages/train/src/study/disturbed.test.ts",
  "packages/cli/src/full-disk.test.ts",
  "packages/cli/src/commands/{bench,train-views}.test.ts",
];
const all = ["packages/*/src/**/*.test.ts", "examples/*.test.ts", "test/**/*.test.ts"];
const without = (others: readonly string[]) => [...configDefaults.exclude, ...others];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    testTimeout: 60_000,
    // One of two cores would be idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        test: { name: "sharing", include: sharing, exclude: without(replacing), isolate: false },
      },
      { extends: true, test: { name: "own", include: all, exclude: without(sharing) } },
      { extends: true, test: { name: "replacing", include: replacing } },
    ],
  },
});
