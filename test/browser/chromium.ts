import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CANDIDATES = [
  process.env.ONEBIT_CHROMIUM ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** Path of a Chromium, or undefined where there is none. In CI there must be one. */
export function findChromium(): string | undefined {
  const found = CANDIDATES.find((path) => path !== "" && existsSync(path));
  if (found) return found;
  const reason = "no Chromium here: install it, or name it in ONEBIT_CHROMIUM";
  if (process.env.CI) throw new Error(reason);
  console.log(`skipped: ${reason}`);
  return undefined;
}

export function launch(executablePath: string, args: readonly string[] = []): Promise<Browser> {
  const quiet = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  return chromium.launch({ executablePath, headless: true, args: [...quiet, ...args] });
}
