import { execFile, execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeIdxFolder } from "../packages/cli/src/test-support/idx.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const page = await readFile(join(root, "docs/devices.md"), "utf8");
/** Of all blocks without a language: what users type. */
const commands = [...page.matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, text]) => text);
const TOOLS = [
  ...[
    "cc",
    "arm-none-eabi-gcc",
    "qemu-system-arm",
    "riscv64-unknown-elf-gcc",
    "qemu-system-riscv32",
  ],
];

function missingTools(): string[] {
  const missing = TOOLS.filter((tool) => {
    try {
      execFileSync(tool, ["--version"], { stdio: "ignore" });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length === 0) return missing;
  const reason = `docs/devices.md wants ${missing.join(", ")}: .ci/run names the packages`;
  if (process.env.CI) throw new Error(reason);
  console.log(`skipped: ${reason}`);
  return missing;
}

const missing = missingTools();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-devices-page-"));
  for (const name of ["examples", "models"]) await symlink(join(root, name), join(folder, name));
  await mkdir(join(folder, "build"));
  await writeIdxFolder(join(folder, "fashion-mnist"), { side: 28, classes: 10 });
});
afterAll(() => rm(folder, { recursive: true }));

/** `npm start` trains for minutes (packages/cli/src/commands/quickstart.ts): another network stands where it puts its own. */
const PRELUDE = `set -e
npx() { shift; node ${join(root, "packages/cli/bin/onebit.js")} "$@"; }
npm() { mkdir -p runs/quickstart; cp models/fashion-mnist.onebit runs/quickstart/model.onebit; }
`;

it.skipIf(missing.length > 0)(
  "every command of docs/devices.md works, in its order",
  async () => {
    expect(commands.length).toBeGreaterThan(5);
    const script = join(folder, "commands.sh");
    await writeFile(script, PRELUDE + commands.join(""));
    const { stdout } = await run("bash", [script], { cwd: folder, maxBuffer: 2 ** 24 });
    // Here, on the Cortex-M4 and on RISC-V; the last two may print to stderr, as their emulators choose.
    expect(stdout).toMatch(/^0 of 3 images: other scores than onebit's$/m);
    expect(stdout).toMatch(/^51 \d+$/m);
    expect(stdout).toMatch(/bnext-nano +32,64,128,128,128/);
    expect(stdout).toMatch(/energy of an image, 45 nm/);
    expect(stdout).toMatch(/integer, 1 thread/);
  },
  300_000,
);
