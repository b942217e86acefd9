/**
 * npm run packages [FOLDER]: a tarball of every package, as `npm publish` would upload it, in FOLDER
 * (default build/packages). Install them together: npm install build/packages/*.tgz
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const root = join(import.meta.dirname, "..");
const folder = resolve(process.argv[2] ?? join(root, "build", "packages"));
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (name.endsWith(".tgz")) rmSync(join(folder, name));
const packages = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
for (const path of packages.filter(isPublished)) {
  const words = ["pack", "--silent", "--pack-destination", folder];
  execFileSync("npm", words, { cwd: path, stdio: ["ignore", "ignore", "inherit"] });
}
for (const name of readdirSync(folder)) if (name.endsWith(".tgz")) console.log(join(folder, name));

function isPublished(path) {
  return !JSON.parse(readFileSync(join(path, "package.json"), "utf8")).private;
}
