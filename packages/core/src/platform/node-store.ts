import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { CacheStore } from "./cache-store.js";
import { makeFolder } from "./node-folder.js";
import { writeFileAtomic } from "./node-write.js";

/** ONEBIT_CACHE, or where caches of the user's lie on this system. */
export function cacheFolder(): string {
  const { env, platform } = process;
  if (env.ONEBIT_CACHE) return env.ONEBIT_CACHE;
  if (platform === "win32" && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, "onebit", "cache");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "onebit");
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "onebit");
}

/** What lies beside a file. */
interface About {
  readonly url: string;
  readonly version?: string;
}

/** A folder: of each file `KEY.onebit`, and `KEY.json` which says what it is; KEY is a hash of the URL. */
export function folderStore(folder = cacheFolder()): CacheStore {
  const files = (url: string) => {
    const key = createHash("sha256").update(url).digest("hex").slice(0, 32);
    return { bytes: join(folder, `${key}.onebit`), about: join(folder, `${key}.json`) };
  };
  return {
    async get(url) {
      const about = await readAbout(files(url).about);
      const bytes = await readFile(files(url).bytes).catch(absent);
      return about?.url === url && bytes ? { bytes, version: about.version } : undefined;
    },
    async put(url, { bytes, version }) {
      const { bytes: file, about } = files(url);
      await makeFolder(folder);
      // While the file is replaced, nothing says what it is.
      await rm(about, { force: true });
      await writeFileAtomic(file, bytes);
      await writeFileAtomic(about, JSON.stringify({ url, version } satisfies About));
    },
    async delete(url) {
      const { bytes, about } = files(url);
      const had = (await readAbout(about)) !== undefined;
      for (const file of [about, bytes]) await rm(file, { force: true });
      return had;
    },
    async urls() {
      const names = (await readdir(folder).catch(absent)) ?? [];
      const abouts = names.filter((name) => name.endsWith(".json"));
      const read = await Promise.all(abouts.map((name) => readAbout(join(folder, name))));
      return read.flatMap((about) => about?.url ?? []);
    },
  };
}

async function readAbout(path: string): Promise<About | undefined> {
  const text = await readFile(path, "utf8").catch(absent);
  if (text === undefined) return undefined;
  try {
    const about = JSON.parse(text) as About;
    return typeof about.url === "string" ? about : undefined;
  } catch {
    return undefined;
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
