import { type ExecFileException, execFile } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const PUBLISHED = ["core", "native", "convert", "train", "cli"];

/**
 * The tarballs by package name: those that `npm run packages` left in the folder ONEBIT_PACKAGES, as
 * in CI; else of what is built, without building it anew.
 */
export async function tarballs(folder: string): Promise<ReadonlyMap<string, string>> {
  const made = process.env.ONEBIT_PACKAGES;
  const entries = PUBLISHED.map(async (name): Promise<[string, string]> => {
    const source = join(root, "packages", name);
    const about = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
    const file = `${about.name.replace("@", "").replace("/", "-")}-${about.version}.tgz`;
    if (made) return [about.name, resolve(root, made, file)];
    const words = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder];
    await promisify(execFile)("npm", words, { cwd: source, env: environment() });
    return [about.name, join(folder, file)];
  });
  return new Map(await Promise.all(entries));
}

/** A stranger's: nothing that npm told the test itself. */
function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const told =
    /^(npm_(package|lifecycle|command|execpath|config_local_prefix)|INIT_CWD|NODE_|VITEST)/;
  const own = Object.entries(process.env).filter(([name]) => !told.test(name));
  return { ...Object.fromEntries(own), NO_COLOR: "1", ...more };
}

const COMMANDS = `
import { runCli } from "./node_modules/@onebit/cli/dist/cli.js";
const { stdout } = process;
const { write } = stdout;
const results = [];
for (const line of process.argv.slice(2)) {
  const result = { status: 0, stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    process[name].write = (text) => {
      result[name] += typeof text === "string" ? text : Buffer.from(text).toString();
      return true;
    };
  }
  result.status = await runCli(["node", "onebit", ...line.split(" ")]);
  results.push(result);
}
stdout.write = write;
stdout.write(JSON.stringify(results));
`;

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An empty project that packages are installed into. */
export class Project {
  constructor(readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.write("package.json", '{ "name": "project", "private": true, "type": "module" }');
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  write(name: string, text: string | Uint8Array): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
    const options = { cwd: this.folder, env: environment(env), maxBuffer: 2 ** 26 };
    return new Promise((done) => {
      execFile(command, args, options, (error, stdout, stderr) => {
        done({ status: statusOf(error), stdout, stderr });
      });
    });
  }

  async install(...packages: string[]): Promise<void> {
    const words = ["install", "--prefer-offline", "--no-audit", "--no-fund", ...packages];
    const { status, stderr } = await this.run("npm", words);
    if (status !== 0) throw new Error(stderr);
  }

  /** A package of the repository's own installation, as if it were installed here. */
  borrow(name: string): void {
    const place = this.path("node_modules", name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(root, "node_modules", name), place);
  }

  /** Several commands of the installed command line, one after the other in one process: starting takes longest. */
  async commands(lines: readonly string[], env?: NodeJS.ProcessEnv): Promise<readonly Result[]> {
    this.write("commands.js", COMMANDS);
    const { status, stdout, stderr } = await this.run("node", ["commands.js", ...lines], env);
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  }

  /** The installed command line, started without npx: that takes as long again. */
  onebit(line: string): Promise<Result> {
    const command = this.path("node_modules", "@onebit", "cli", "bin", "onebit.js");
    return this.run("node", [command, ...line.split(" ")]);
  }
}

/** -1 where there is none: the program is missing, or a signal ended it. */
function statusOf(error: ExecFileException | null): number {
  if (error === null) return 0;
  return typeof error.code === "number" ? error.code : -1;
}

/** Of all files in a folder, links not followed. */
export function bytesIn(folder: string): number {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const sizes = paths.map((path) => lstatSync(join(folder, path)));
  return sizes.reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);
}
