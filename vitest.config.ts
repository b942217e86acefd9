import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const conditions = ["onebit-source", "node", "import", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "examples/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 60_000,
    // One of two cores would be idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
