import { importers } from "@onebit/convert";
import { recipes } from "@onebit/train";
import { cost } from "onebit/cost";
import { buildModel, models } from "onebit/models";

/** Every network of the catalogue that is whole: a paper's, or a preset of its kind. */
export function networks() {
  return Object.keys(models).filter((name) => {
    const { paper, switches, defaults } = models[name];
    return paper && !(switches.includes("widths") && !defaults.widths);
  });
}

/** What the catalogue says of a network, by column. */
export function facts(name) {
  const { paper, published, checkpoints = "none" } = models[name];
  const { macs, binaryMacs, ops, bytes } = cost(buildModel(name));
  const millions = (count) => (count / 1e6).toFixed(1);
  return {
    network: name,
    paper,
    "top-1, %": published ? accuracy(published) : "",
    "1-bit MACs, M": millions(binaryMacs),
    "real MACs, M": millions(macs - binaryMacs),
    "OPs, M": millions(ops),
    MiB: (bytes.packed / 2 ** 20).toFixed(2),
    "public weights": checkpoints,
    here: abilities(name),
  };
}

function accuracy({ top1, dataset }) {
  return `${(100 * top1).toFixed(1)}${dataset === "ImageNet" ? "" : `, ${dataset}`}`;
}

function abilities(name) {
  const { family, checkpoints } = models[name];
  const importer = checkpoints?.endsWith("(Keras)") ? "keras" : checkpoints && family;
  const imports = importers.some((one) => one.family === importer);
  const own = Object.values(recipes).filter(({ model }) => model === name);
  const named = own.map((recipe) => `\`${recipe.name}\``).join(", ");
  const from = importer === "keras" ? "imports [from Larq](from-larq.md)" : "imports";
  return ["trains, packs", imports && from, named && `recipes: ${named}`]
    .filter(Boolean)
    .join("; ");
}

/** Columns that are measured. */
export const TIMED = ["native, ms", "WASM, ms", "time per 1-bit MAC"];

/** The rows of docs/zoo.md, by column. */
export function zooRows(page) {
  const [, table] = /<!-- figures: zoo -->(.*?)<!-- \/figures -->/s.exec(page);
  const lines = table.split("\n").filter((line) => line.startsWith("|"));
  const [head, , ...body] = lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return body.map((cells) => Object.fromEntries(cells.map((cell, i) => [head[i], cell])));
}
