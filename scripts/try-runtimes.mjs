/**
 * node scripts/try-runtimes.mjs [RUNTIME ...]: installs the packages from their tarballs in an empty
 * project and runs the same small programs in Node 20, 22 and 24, Bun and Deno, which npx fetches.
 * Prints a table in Markdown; "yes" is a class that every runtime agrees on. Exit status 1 where
 * one of them fails.
 */
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";

const root = join(import.meta.dirname, "..");
const CHECKS = ["load, classify", "2 threads", "native"];
const COMMAND_LINE = "`onebit run`";

/** What npx runs, and what starts a program in it. */
const RUNTIMES = {
  "Node 20": ["node@20"],
  "Node 22": ["node@22"],
  "Node 24": ["node@24"],
  Bun: ["bun@latest"],
  Deno: ["deno@latest", "run", "--allow-all", "--quiet"],
};

/** The class that the first one names. */
let agreed;

const wanted = process.argv.slice(2);
const names = Object.keys(RUNTIMES).filter((name) => wanted.length === 0 || wanted.includes(name));
const folder = mkdtempSync(join(tmpdir(), "onebit-runtimes-"));
try {
  await makeProject();
  const rows = [];
  for (const name of names) rows.push(await tried(name));
  const columns = ["runtime", ...CHECKS, COMMAND_LINE];
  const line = (cells) => `| ${cells.join(" | ")} |`;
  console.log([line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n"));
  process.exitCode = rows.flatMap((row) => row.slice(1)).every((cell) => cell === "yes") ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

async function makeProject() {
  const npm = (words, cwd) => execFileSync("npm", words, { cwd, stdio: ["ignore", "ignore", 2] });
  npm(["run", "--silent", "packages", "--", join(folder, "packages")], root);
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  const tarballs = readdirSync(join(folder, "packages")).map((name) => `./packages/${name}`);
  npm(["install", "--silent", "--no-audit", "--no-fund", "sharp", ...tarballs], folder);
  // Where there is no compiler, the column says so.
  const build = join(folder, "node_modules", "@onebit", "native", "build.mjs");
  await new Promise((resolve) => execFile(process.execPath, [build], resolve));
  cpSync(join(root, "scripts", "runtimes", "checks.mjs"), join(folder, "checks.mjs"));
  cpSync(join(root, "models", "fashion-mnist.onebit"), join(folder, "model.onebit"));
  const pixels = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i * 7) % 251);
  const picture = sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } });
  await picture.toColourspace("b-w").png().toFile(join(folder, "picture.png"));
}

/** A row of the table. */
async function tried(name) {
  const version = (await printed([RUNTIMES[name][0], "--version"])).match(/\d+\.\d+\.\d+/)?.[0];
  const cells = [];
  for (const check of CHECKS) {
    const said = await printed([
      ...RUNTIMES[name],
      "checks.mjs",
      check,
      "model.onebit",
      "picture.png",
    ]);
    cells.push(verdict(said, /^class (\d+)$/));
  }
  const command = [
    "node_modules/@onebit/cli/bin/onebit.js",
    "run",
    "model.onebit",
    "picture.png",
    "--json",
  ];
  cells.push(verdict(await printed([...RUNTIMES[name], ...command]), /"index": ?(\d+)/));
  return [`${name.split(" ")[0]} ${version}`, ...cells];
}

function verdict(said, pattern) {
  const found = pattern.exec(said)?.[1];
  agreed ??= found;
  return found !== undefined && found === agreed ? "yes" : said.trim().split("\n").at(-1);
}

/** What a program says, to whichever output. */
function printed(words) {
  return new Promise((resolve) => {
    const options = { cwd: folder, timeout: 300_000 };
    execFile("npx", ["--yes", ...words], options, (_, out, err) => resolve((out || err).trim()));
  });
}
