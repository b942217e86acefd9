import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { isasUnderTest } from "./test-support/isas.js";

const script = fileURLToPath(new URL("../check-cpp.mjs", import.meta.url));

/** Where there is an addon, there is a compiler. */
it.runIf(isasUnderTest().length > 0)(
  "the C++ does nothing that a sanitizer sees, on every instruction set, AMX emulated where need be",
  { timeout: 900_000 },
  async () => {
    const flags = [script, "--only", "address", "--programs", "100"];
    const { stdout } = await promisify(execFile)(process.execPath, flags);
    console.log(stdout);
    expect(stdout).toMatch(/tiles, emulated:\n2000 products of tiles, 13 faults: 0 wrong/);
    const found = [...stdout.matchAll(/^(\w+), [12] threads: 100 programs, (\d+) wrong$/gm)];
    const isas = new Set(found.map(([, isa]) => isa));
    expect(isas).toEqual(
      new Set(isas.has("avx512") ? ["amx", ...isasUnderTest()] : isasUnderTest()),
    );
    expect(found.every(([, , wrong]) => wrong === "0")).toBe(true);
  },
);
