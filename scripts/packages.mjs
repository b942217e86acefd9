/**
 * npm run packages [FOLDER]: a tarball of every package, as `npm publish` would upload it, in FOLDER
 * (default build/packages). Install them together: npm install build/packages/*.tgz
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const root = join(import.meta.dirname, "..");
const folder = resolve(process.argv[2] ?? join(root, "build", "packages"));
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (name.endsWith(".tgz")) rmSync(join(folder, name));
execFileSync("npm", ["pack", "--silent", "--workspaces", "--pack-destination", folder], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
});
for (const name of readdirSync(folder)) if (name.endsWith(".tgz")) console.log(join(folder, name));
