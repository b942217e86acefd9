import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The commit of onebit's own sources, "+changes" where they are not it; null where there is no checkout. */
export async function sourceRevision(): Promise<string | null> {
  const folder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const git = async (...args: string[]) =>
    (await run("git", ["-C", folder, ...args])).stdout.trim();
  try {
    // Installed in somebody's project, it is not that project's commit.
    await git("ls-files", "--error-unmatch", "package.json");
    const commit = await git("rev-parse", "--short=12", "HEAD");
    const isChanged = (await git("status", "--porcelain", "-uno", ".")) !== "";
    return isChanged ? `${commit}+changes` : commit;
  } catch {
    return null;
  }
}
