import { exec } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { load } from "onebit";
import sharp from "sharp";

const root = fileURLToPath(new URL("../..", import.meta.url));
const core = join(root, "packages/core");
const model = join(root, "models/fashion-mnist.onebit");
const SIDE = 28;

/** A project of somebody's, with the package as it is published and what docs/browser.md has beside it. */
export interface Site {
  readonly folder: string;
  write(name: string, content: string): Promise<void>;
  /** Runs lines of a shell, with the commands of this repository's dependencies. */
  run(lines: string): Promise<string>;
  remove(): Promise<void>;
}

/** `publicFolder`: where the picture and the network are. */
export async function makeSite(publicFolder = "."): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), "onebit-site-"));
  const { files } = JSON.parse(await readFile(join(core, "package.json"), "utf8"));
  const published = files.filter((name: string) => !name.startsWith("!"));
  for (const name of [...published, "package.json"]) {
    await cp(join(core, name), join(folder, "node_modules/onebit", name), { recursive: true });
  }
  await mkdir(join(folder, publicFolder), { recursive: true });
  await cp(model, join(folder, publicFolder, "fashion-mnist.onebit"));
  await writeFile(join(folder, publicFolder, "shoe.png"), await picture());
  await writeFile(join(folder, publicFolder, "favicon.ico"), "");
  const write = (name: string, content: string) => writeFile(join(folder, name), content);
  await write("package.json", '{ "type": "module", "private": true }');
  const path = [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);
  return {
    folder,
    write,
    run: async (lines) => {
      const env = { ...process.env, PATH: path, NODE_ENV: undefined };
      const { stdout, stderr } = await promisify(exec)(lines, { cwd: folder, env });
      return stdout + stderr;
    },
    remove: () => rm(folder, { recursive: true }),
  };
}

function picture(): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i * 7) % 251);
  return sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 1 } })
    .png()
    .toBuffer();
}

/** What the page has to say. */
export async function answer(): Promise<string> {
  using network = await load(model, { backend: "reference" });
  const data = new Uint8Array(
    await sharp(await picture())
      .ensureAlpha()
      .raw()
      .toBuffer(),
  );
  const [best] = await network.classify({ data, width: SIDE, height: SIDE }, { top: 1 });
  return String(best.label ?? best.index);
}
