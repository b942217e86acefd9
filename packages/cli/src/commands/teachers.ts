import { availableParallelism } from "node:os";
import { type Knowledge, rankTeachers, USUAL_EPSILON } from "@onebit/train";
import { openDataset } from "@onebit/train/data";
import { counted } from "onebit/words";
import { command } from "../flags/command.js";
import { data, imageCount } from "../flags/data.js";
import { flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { fraction } from "../flags/readers.js";
import { threads } from "../flags/threads.js";
import { bar, StatusLine } from "../progress.js";
import { count, percent, table, terminalOutput } from "../terminal.js";
import { teacherChoice } from "../training/teacher-choice.js";

export const teachers = command({
  name: "teachers",
  arguments: ["<models...>"],
  about:
    "rank networks by how much they could teach: their parameters and what they say of the training images",
  flags: [
    data.required(),
    imageCount.means("only so many training images, chosen by seed 0"),
    flag("--epsilon <e>", "added to the cross-entropy", fraction(USUAL_EPSILON)).byDefault(
      USUAL_EPSILON,
    ),
    threads.otherwise("one per core"),
    json,
  ],
  async run([models], flags) {
    const out = terminalOutput(flags);
    const { data, images: trainImages, epsilon, threads = availableParallelism() } = flags;
    const choices = await Promise.all(models.map((model) => teacherChoice(model, "teachers")));
    const dataset = await openDataset(data, { trainImages });
    for (const note of dataset.notes) out.note(`note: ${note}`);
    const status = new StatusLine();
    const onProgress = (done: number, of: number, path: string) =>
      status.show(`${path} ${bar(done / of)} ${count(done)} of ${counted(of, "image")}`);
    const how = { epsilon, threads, onProgress };
    const ranked = await rankTeachers(choices, dataset, how).finally(() => status.clear());
    out.result({ data, epsilon, teachers: ranked });
    for (const { path, notes } of ranked)
      for (const note of notes) out.note(`note: ${path}: ${note}`);
    out.line(table(HEADINGS, ranked.map(rowOf), ALIGNED));
    out.line(
      `\n${counted(ranked[0].images, "training image")}, weak to strong by KC = log(1 + parameters / (cross-entropy + ${epsilon})):`,
    );
    out.line(
      "our reading of BNext's knowledge complexity, whose formula could not be read. Telling, another proposal: the",
    );
    out.line("probability of wrong classes, times how far these are from all alike.");
  },
});

const HEADINGS = ["teacher", "parameters", "top-1", "cross-entropy", "KC", "telling"];
const ALIGNED = ["left", "right", "right", "right", "right", "right"] as const;

function rowOf({ path, parameters, top1, crossEntropy, complexity, telling }: Knowledge): string[] {
  return [
    ...[path, count(parameters), percent(top1), crossEntropy.toFixed(4)],
    ...[complexity.toFixed(2), telling.toFixed(4)],
  ];
}
