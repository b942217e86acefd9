import { availableParallelism } from "node:os";
import { landscape as computed, LandscapeFolder, type NetworkLandscape } from "@onebit/train";
import { UsageError } from "onebit";
import { command } from "../flags/command.js";
import { data, imageCount } from "../flags/data.js";
import { flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { out as outFlag } from "../flags/out.js";
import { fraction, wholeNumber } from "../flags/readers.js";
import { resume } from "../flags/resume.js";
import { seed } from "../flags/seed.js";
import { threads } from "../flags/threads.js";
import { abortOnInterrupt } from "../interrupt.js";
import { bar, StatusLine } from "../progress.js";
import { count, percent, table, terminalOutput } from "../terminal.js";

export const landscape = command({
  name: "landscape",
  arguments: ["[models...]"],
  about: "the loss around trained networks (runs, float models): contours, a slice, a roughness",
  flags: [
    outFlag.means("folder of the landscape").byDefault("landscape"),
    resume.means("go on with the landscape in --out, from its last point"),
    data.otherwise("the training images of the runs"),
    imageCount
      .means("training images that the loss is taken on, chosen by seed 0")
      .otherwise("500"),
    flag("--points <n>", "of the grid, along each direction: odd", wholeNumber).otherwise("21"),
    flag(
      "--radius <r>",
      "how far the grid reaches, in lengths of the weights",
      fraction(1),
    ).otherwise("1"),
    seed.means("other directions").otherwise("0"),
    threads.otherwise("one per core"),
    json.means("one JSON document, with all losses"),
  ],
  async run([models], flags) {
    const out = terminalOutput(flags);
    const { threads = availableParallelism(), out: folder, resume: isResumed, ...given } = flags;
    if (!models.length && !isResumed) {
      throw new UsageError("name the runs or float models, or go on with a landscape: --resume");
    }
    const status = new StatusLine();
    const interrupt = abortOnInterrupt();
    const notes: string[] = [];
    try {
      const result = await computed(models, {
        ...{ ...given, out: folder, resume: isResumed, threads, signal: interrupt.signal },
        onNote: (note) => notes.push(note),
        onProgress: (done, of, network) =>
          status.show(`${network} ${bar(done / of)} ${count(done)} of ${count(of)} points`),
      });
      status.clear();
      out.result(result);
      for (const note of notes) out.note(`note: ${note}`);
      out.line(table(HEADINGS, result.networks.map(rowOf), ALIGNED));
      const files = ["landscape.html", "contours.svg", "slice.svg"];
      const at = new LandscapeFolder(folder);
      out.line(`\n${files.map((name) => at.file(name)).join(", ")}`);
    } finally {
      status.clear();
      interrupt.dispose();
    }
  },
});

const HEADINGS = ["network", "computed by", "loss", "top-1", "highest loss", "roughness"];
const ALIGNED = ["left", "left", "right", "right", "right", "right"] as const;

function rowOf({ name, engine, loss, top1, highest, roughness }: NetworkLandscape): string[] {
  return [
    ...[name, engine ?? "", loss?.toFixed(4) ?? "not finite", top1 === null ? "" : percent(top1)],
    ...[highest?.toFixed(4) ?? "", roughness?.toPrecision(3) ?? ""],
  ];
}
