/**
 * Packages that hold nothing but the addon for one platform, so that their users need no compiler:
 *
 *   node packages/native/prebuild.mjs linux-x64 linux-arm64 [--out FOLDER]
 *
 * FOLDER (default build/packages) then holds onebit-native-<platform>-<arch>-<version>.tgz. For another
 * processor a cross compiler is needed (Debian: g++-aarch64-linux-gnu, or CXX). macOS and Windows are
 * built by the same script on such a machine; nobody has tried it there yet.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { addonName, buildAddon, CROSS, findCompiler, root } from "./toolchain.mjs";

const { targets, out } = parse(process.argv.slice(2));
const { version, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
mkdirSync(out, { recursive: true });
for (const target of targets) console.log(await pack(target));

function parse(words) {
  const at = words.indexOf("--out");
  const folder = at < 0 ? join(root, "..", "..", "build", "packages") : words[at + 1];
  const names = at < 0 ? words : [...words.slice(0, at), ...words.slice(at + 2)];
  const here = `${process.platform}-${process.arch}`;
  return { targets: names.length ? names : [here], out: resolve(folder) };
}

async function pack(target) {
  const [platform, arch] = target.split("-");
  const name = `@onebit/native-${target}`;
  const folder = mkdtempSync(join(tmpdir(), "onebit-prebuild-"));
  try {
    const main = addonName(platform, arch);
    await buildAddon({ platform, arch, compiler: compilerFor(target), output: join(folder, main) });
    copyFileSync(join(root, "..", "..", "LICENSE"), join(folder, "LICENSE"));
    writeFileSync(
      join(folder, "README.md"),
      `# ${name}\n\nThe native backend of onebit for ${target}, built. @onebit/native loads it by itself.\n`,
    );
    const description = `Native backend of onebit, built for ${target}`;
    const about = { name, version, description, license, main, files: [main] };
    const json = { ...about, os: [platform], cpu: [arch] };
    writeFileSync(join(folder, "package.json"), `${JSON.stringify(json, null, 2)}\n`);
    const words = ["pack", "--silent", "--pack-destination", out];
    return join(out, execFileSync("npm", words, { cwd: folder, encoding: "utf8" }).trim());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compilerFor(target) {
  if (target === `${process.platform}-${process.arch}`) return findCompiler();
  const compiler = process.env.CXX ?? CROSS[target];
  if (compiler) return compiler;
  throw new Error(`${target}: build it on such a machine, or name a cross compiler in CXX`);
}
