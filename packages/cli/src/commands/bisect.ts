import { OnebitError } from "onebit";
import { counted, onebitCommand } from "onebit/words";
import { type Bisection, bisect as bisectImages } from "../compare/bisect.js";
import type { Position } from "../compare/differences.js";
import { firstImages } from "../compare/images.js";
import { openComparison } from "../compare/open.js";
import type { Difference } from "../compare/walk.js";
import { command } from "../flags/command.js";
import { compareFlags } from "../flags/compare.js";
import { tolerance } from "../flags/tolerance.js";
import { count, type Output, table, terminalOutput } from "../terminal.js";

const TOLERANCE = 2e-5;
const GENERATED = 2;
/** Photographs and data sets: more would only repeat what the first show. */
const MOST = 8;

export const bisect = command({
  name: "bisect",
  arguments: ["<a>", "<b>", "[images...]"],
  about: "find the first node in which two networks differ: packed, float or ONNX",
  flags: [
    tolerance.means("of a node's value, relative to its largest").byDefault(TOLERANCE),
    ...compareFlags,
  ],
  async run([pathA, pathB, inputs], flags, given) {
    const out = terminalOutput(flags);
    const { tolerance } = flags;
    const how = { flags, given, generated: GENERATED };
    const comparison = await openComparison([pathA, pathB], inputs, how);
    const { a, b, pairs, notes } = comparison;
    let result: Bisection;
    try {
      for (const note of notes) out.note(`note: ${note}`);
      const images = await firstImages(pairs, flags.input ? Infinity : MOST);
      result = await bisectImages(a, b, images, tolerance);
    } finally {
      await comparison.dispose();
    }
    const [first] = result.differences;
    out.result({
      ...result,
      first: first?.node ?? null,
      tolerance,
      backends: [a.subject.backend, b.subject.backend],
    });
    print(out, result);
    if (result.ok) return;
    throw new OnebitError(verdict(pathA, pathB, result));
  },
});

function verdict(a: string, b: string, { compared, differences, backendFaults }: Bisection) {
  if (compared === 0) {
    return `${a} and ${b} have no node of the same name: only their logits can be compared, with ${onebitCommand("verify")}`;
  }
  const [first] = differences;
  if (first) return `${a} and ${b} part at ${first.node} (${kinds[first.kind]})`;
  const [fault] = backendFaults;
  return `backend ${fault.backend} does not compute ${fault.node} as its contract says`;
}

const kinds: { readonly [kind in Difference["kind"]]: string } = {
  sum: "sum of the convolution: weights, padding or stride",
  value: "value",
  sign: "sign or its threshold",
};

function print(out: Output, { images, compared, differences, flips, backendFaults }: Bisection) {
  out.line(
    `${counted(compared, "node")} compared on ${counted(images, "image")}, each with equal inputs`,
  );
  printDifferences(out, "differs", differences);
  printDifferences(out, "backend differs", backendFaults);
  if (flips.length) {
    const rows = flips.map((flip) => [
      flip.node,
      count(flip.count),
      place(flip),
      `${flip.a} / ${flip.b}`,
      flip.distance.toExponential(1),
    ]);
    out.line();
    out.line(table(["sign flips near zero", "flips", "farthest", "a / b", "distance"], rows));
  }
  if (!differences.length && !backendFaults.length && compared) out.line("no real difference");
}

function printDifferences(
  out: Output,
  title: string,
  differences: readonly (Difference & { readonly image: number })[],
): void {
  if (!differences.length) return;
  const rows = differences.map((found) => [
    found.node,
    found.kind,
    place(found),
    `${number(found.a)} / ${number(found.b)}`,
    found.error.toExponential(1),
    `${count(found.count)} of ${count(found.of)}`,
  ]);
  out.line();
  out.line(table([title, "what", "where", "a / b", "error", "elements"], rows));
  const [{ node, covers }] = differences;
  const others = covers.filter((name) => name !== node);
  if (others.length) out.line(`${node} is computed in one step with ${others.join(", ")}`);
}

const number = (x: number) => String(Number(x.toPrecision(6)));

function place({ image, position }: { readonly image: number; readonly position: Position }) {
  const { channel, y, x } = position;
  return `image ${image}, channel ${channel}, row ${y}, column ${x}`;
}
