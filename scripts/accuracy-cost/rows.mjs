import { cost } from "onebit/cost";
import { buildModel, formsOf, models } from "onebit/models";

/** Columns that are measured. */
export const TIMED = ["native, ms", "WASM, ms"];

/** Top-1 of at least so much. */
const LEVELS = [50, 55, 60, 65, 68, 70, 72, 74, 76, 78, 80];

/** Every network with a published accuracy on ImageNet, by column; float ones in 8 bits too. Times are empty. */
export function rows() {
  const all = Object.entries(models).filter(
    ([, { published }]) => published?.dataset === "ImageNet",
  );
  return all.flatMap(([network, { published }]) => {
    const isFloat = formsOf(network)[0] === "real";
    const row = facts(network, isFloat ? "float32" : "1-bit", published);
    return isFloat ? [row, inEightBits(row)] : [row];
  });
}

function facts(network, kind, { top1 }) {
  const { ops, bytes } = cost(buildModel(network));
  return {
    network,
    kind,
    "top-1, %": (100 * top1).toFixed(1),
    "OPs, M": (ops / 1e6).toFixed(1),
    MiB: (bytes.packed / 2 ** 20).toFixed(2),
    ...Object.fromEntries(TIMED.map((column) => [column, ""])),
    paper: models[network].paper,
  };
}

/** A quarter of the bytes, an eighth of the operations as BNext's authors count 8-bit ones. */
function inEightBits(row) {
  const ops = (Number(row["OPs, M"]) / 8).toFixed(1);
  const mebibytes = (Number(row.MiB) / 4).toFixed(2);
  return { ...row, kind: "int8", "OPs, M": ops, MiB: mebibytes };
}

/** The rows of a table in a page, by column. */
export function tableRows(page, figures) {
  const [, table = ""] =
    new RegExp(`<!-- figures: ${figures} -->(.*?)<!-- /figures -->`, "s").exec(page) ?? [];
  const lines = table.split("\n").filter((line) => line.startsWith("|"));
  const [head = [], , ...body] = lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return body.map((cells) => Object.fromEntries(cells.map((cell, i) => [head[i], cell])));
}

/** At each level of accuracy the fastest network of each kind, and which of them is. */
export function winners(all, column) {
  const timed = all.filter((row) => Number(row[column]) > 0);
  return LEVELS.flatMap((level) => {
    const able = timed.filter((row) => Number(row["top-1, %"]) >= level);
    const kinds = ["1-bit", "float32", "int8"];
    const best = kinds.map((kind) =>
      fastest(
        able.filter((row) => row.kind === kind),
        column,
      ),
    );
    const first = fastest(best.filter(Boolean), column);
    if (!first) return [];
    const cells = kinds.map((kind, i) => [
      kind,
      best[i] ? `${best[i].network}, ${best[i][column]} ms` : "none",
    ]);
    return [{ "at least, %": String(level), ...Object.fromEntries(cells), fastest: first.kind }];
  });
}

function fastest(rows, column) {
  return rows.toSorted((a, b) => Number(a[column]) - Number(b[column]))[0];
}
