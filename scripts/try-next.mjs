/**
 * node scripts/try-next.mjs [VERSION]: the page of docs/browser.md for Next.js, built by Next.js (default:
 * the latest) from the package's tarball in an empty project, with the two headers that threads need and
 * without them, and asked in Chromium. Prints what the page says, and how many workers it has. Exit
 * status 1 where that is not what Node says. Too heavy for CI: 350 MB.
 */
import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "onebit";
import { decodeImage } from "onebit/images";
import { chromium } from "playwright-core";
import sharp from "sharp";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "onebit-next-"));
const [version = "latest"] = process.argv.slice(2);
const PORT = 4173;
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
const model = join(root, "models", "fashion-mnist.onebit");
const picture = join(folder, "public", "shoe.png");

try {
  const [page, config] = listings("Next.js");
  await makeProject(page);
  const wanted = await answerOfNode();
  for (const threads of [2, 1]) {
    writeFileSync(join(folder, "next.config.mjs"), threads === 2 ? config : "export default {};\n");
    run("npx", ["next", "build"]);
    const { answer, workers } = await answerOfPage();
    const right = answer === wanted && workers === threads - 1;
    console.log(`${right ? "right" : "wrong"}: "${answer}", workers: ${workers}`);
    if (!right) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** Code below a heading of docs/browser.md. */
function listings(heading) {
  const text = readFileSync(join(root, "docs", "browser.md"), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  return [...section.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
}

async function makeProject(page) {
  const packages = join(folder, "packages");
  run("npm", ["run", "--silent", "packages", "--", packages], root);
  const core = readdirSync(packages).find((name) => /^onebit-\d/.test(name));
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  const names = [`next@${version}`, "react", "react-dom", `./packages/${core}`];
  run("npm", ["install", "--silent", "--no-audit", "--no-fund", ...names]);
  for (const name of ["app", "public"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "app", "page.jsx"), page);
  const layout =
    "export default ({ children }) => <html lang='en'><body>{children}</body></html>;\n";
  writeFileSync(join(folder, "app", "layout.jsx"), layout);
  cpSync(model, join(folder, "public", "fashion-mnist.onebit"));
  const pixels = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i * 7) % 251);
  await sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } })
    .png()
    .toFile(picture);
  console.log(`Next.js ${run("npx", ["next", "--version"]).match(/\d\S*/)[0]}`);
}

function run(command, words, cwd = folder) {
  return execFileSync(command, words, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", 2] });
}

async function answerOfNode() {
  const network = await load(model, { backend: "reference" });
  const [best] = await network.classify(await decodeImage(picture), { top: 1 });
  return String(best.label ?? best.index);
}

async function answerOfPage() {
  const words = ["node_modules/next/dist/bin/next", "start", "--port", PORT];
  const server = spawn(process.execPath, words, { cwd: folder, env, stdio: ["ignore", "pipe", 2] });
  const executablePath = process.env.ONEBIT_CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    await new Promise((resolve) => {
      server.stdout.on("data", (text) => String(text).includes("Ready") && resolve());
    });
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${PORT}/`);
    await tab.waitForFunction('document.querySelector("p").textContent');
    return { answer: await tab.textContent("p"), workers: tab.workers().length };
  } finally {
    await browser.close();
    server.kill();
  }
}
