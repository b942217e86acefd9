import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

const conditions = ["onebit-source", "node", "import", "default"];

/** Tests of functions, which leave nothing behind: they share modules, whose import is half of their time. */
const pure = [
  "packages/core/src/{cost,file,graph,image,models,onnx,ops,pack,program,words}/**/*.test.ts",
  "packages/train/src/{data,gradients,losses,optimisers,schedules}/**/*.test.ts",
];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    testTimeout: 60_000,
    // One of two cores would be idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { extends: true, test: { name: "pure", include: pure, isolate: false } },
      {
        extends: true,
        test: {
          name: "own",
          include: ["packages/*/src/**/*.test.ts", "examples/*.test.ts", "test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...pure],
        },
      },
    ],
  },
});
