import { availableParallelism } from "node:os";
import { type Picture, picture as pictured, picturePage } from "@onebit/train";
import { counted } from "onebit/words";
import { command } from "../flags/command.js";
import { data, imageCount } from "../flags/data.js";
import { flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { output } from "../flags/output.js";
import { listOf, wholeNumber, words } from "../flags/readers.js";
import { threads } from "../flags/threads.js";
import { abortOnInterrupt } from "../interrupt.js";
import { isStdout, refuseSameFile, writeOutput } from "../output-file.js";
import { bar, StatusLine } from "../progress.js";
import { count, percent, table, terminalOutput } from "../terminal.js";

export const picture = command({
  name: "picture",
  arguments: ["<file>", "[image]"],
  about:
    "one page of what a network learned: thresholds, slopes, shifts, distributions, feature maps of an image",
  flags: [
    output.means("the page; - is standard output").byDefault("picture.html"),
    data.means("distributions over its test images").otherwise("the run's, or the image alone"),
    imageCount.means("so many of them, chosen by seed 0").otherwise("32"),
    flag("--layers <list>", "signs whose feature maps are shown", listOf(words)).otherwise(
      "four, from the first to the last",
    ),
    flag("--channels <n>", "of each, those that vary most", wholeNumber).byDefault(6),
    threads.otherwise("one per core"),
    json.means("one JSON document: parameters and distributions"),
  ],
  async run([file, image], flags) {
    const out = terminalOutput(flags);
    const { output, threads = availableParallelism(), ...given } = flags;
    for (const input of [file, image]) if (input !== undefined) refuseSameFile(input, output);
    const status = new StatusLine();
    const interrupt = abortOnInterrupt();
    try {
      const found = await pictured(file, {
        ...{ ...given, image, threads, signal: interrupt.signal },
        onProgress: (done, of) =>
          status.show(`${bar(done / of)} ${count(done)} of ${counted(of, "image")}`),
      });
      await writeOutput(output, await picturePage(found));
      status.clear();
      const { maps: _, shown: __, layers, ...rest } = found;
      const plain = layers.map((layer) => Object.fromEntries(Object.entries(layer).map(readable)));
      out.result({ output, ...rest, layers: plain });
      for (const note of found.notes) out.note(`note: ${note}`);
      out.line(layerTable(found));
      if (!isStdout(output)) out.note(`${output} written`);
    } finally {
      status.clear();
      interrupt.dispose();
    }
  },
});

/** Arrays of numbers as JSON has them. */
const readable = ([name, value]: [string, unknown]): [string, unknown] => {
  return [name, ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value];
};

function layerTable({ layers, distributions }: Picture): string {
  const rows = layers.map((layer) => {
    const values = layer.kind === "sign" ? layer.threshold : layer.slope;
    const positive = distributions[layer.name]?.positive;
    return [
      ...[layer.name, layer.kind, values ? String(values.length) : "", range(values)],
      positive === undefined ? "" : percent(positive),
    ];
  });
  const headings = ["layer", "", "channels", "threshold, slope", "+1"];
  return table(headings, rows, ["left", "left", "right", "right", "right"]);
}

function range(values: ArrayLike<number> | undefined): string {
  if (!values) return "";
  const all = Array.from(values);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return `${low.toPrecision(3)} to ${high.toPrecision(3)}`;
}
