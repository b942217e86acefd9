/**
 * What every package runs before it is packed: node ../../scripts/prepack.mjs in its folder. Builds it
 * anew, so that nothing stale is published, and puts the licence beside it; after packing,
 * scripts/postpack.mjs takes that away. Refuses (exit 1) where the build fails.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const folder = process.cwd();
const root = join(import.meta.dirname, "..");

removeBuild(join(folder, "dist"));
rmSync(join(folder, "wasm"), { recursive: true, force: true });
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
execFileSync(process.execPath, [tsc, "-b"], { cwd: folder, stdio: "inherit" });
if (existsSync(join(folder, "kernels"))) {
  for (const what of ["build:wasm", "build:bundles"]) {
    execFileSync("npm", ["run", "--silent", what], { cwd: folder, stdio: "inherit" });
  }
}
copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));

/** All but the native addon and its objects, which are not published and take long to make. */
function removeBuild(dist) {
  if (!existsSync(dist)) return;
  for (const name of readdirSync(dist)) {
    if (!name.endsWith(".node") && name !== "objects") {
      rmSync(join(dist, name), { recursive: true });
    }
  }
}
