import { readFileSync } from "node:fs";

/** Version of onebit, from this package's own package.json. */
export function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
