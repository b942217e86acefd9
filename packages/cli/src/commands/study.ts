import {
  type Priority,
  planStudy,
  readStudy,
  runStudy,
  StudyFolder,
  studies,
} from "@onebit/train/study";
import { UsageError } from "onebit";
import { counted } from "onebit/words";
import { trainingBackend } from "../flags/backend.js";
import { command } from "../flags/command.js";
import { data } from "../flags/data.js";
import { flag } from "../flags/flag.js";
import { json, jsonl } from "../flags/json.js";
import { out as outFlag } from "../flags/out.js";
import { listOf, oneOf, wholeNumber, words } from "../flags/readers.js";
import { resume } from "../flags/resume.js";
import { set } from "../flags/set.js";
import { threads } from "../flags/threads.js";
import { abortOnInterrupt } from "../interrupt.js";
import { StudyDisplay } from "../study/display.js";
import { planLines, resultLines } from "../study/tables.js";
import { table, terminalOutput } from "../terminal.js";

const plan = flag("--plan", "only say what it would be: runs, hours on this machine, disk");

export const study = command({
  name: "study",
  arguments: ["[study]"],
  about:
    "train variants of something with several seeds each, and compare them; without a name it lists the studies",
  flags: [
    data.otherwise("the study's"),
    outFlag.means("folder of the study").otherwise("studies/<name>"),
    resume.means("go on with the study in --out, from every run's last epoch").excludes(plan),
    plan,
    flag("--seeds <n>", "runs of each variant", wholeNumber).otherwise("the study's"),
    flag("--variants <list>", "only these, such as a,b: a pilot", listOf(words)).otherwise("all"),
    set.means("override a field of all recipes: a pilot; may be repeated"),
    flag("--processes <n>", "runs at a time", wholeNumber).byDefault(2),
    trainingBackend.otherwise("cpu; with --resume that of the study"),
    threads.means("threads of ONNX Runtime in each run").byDefault(1),
    flag(
      "--priority <kind>",
      "of the runs: low gives way to whatever else the machine has to do",
      oneOf<Priority>(["low", "normal"]),
    ).byDefault("low"),
    flag("--take-over", "remove locks of a machine or container that ended without a word"),
    json.means("one JSON document: list, plan or result"),
    jsonl.means("one line of JSON per event"),
  ],
  more: "A study is a name of the list, or a file: .json, or .mjs, .js, .ts with a default export.",
  async run([name], flags) {
    const output = terminalOutput(flags);
    const { resume: isResumed, plan: onlyPlan, ...given } = flags;
    if (name === undefined && !isResumed) return list(output);
    const asked = name === undefined ? await recorded(flags.out) : await readStudy(name);
    const out = flags.out ?? `studies/${asked.name}`;
    const display = new StudyDisplay(output);
    const interrupt = abortOnInterrupt();
    const options = {
      ...{ ...given, out, resume: isResumed, signal: interrupt.signal },
      onEvent: display.show.bind(display),
    };
    try {
      if (onlyPlan) {
        const planned = await planStudy(asked, options);
        display.end();
        output.result(planned);
        for (const line of planLines(planned)) output.line(line);
        return;
      }
      const result = await runStudy(asked, options);
      display.end();
      output.result(result);
      for (const line of resultLines(result)) output.line(line);
      output.line(`\n${new StudyFolder(out).results} and ${new StudyFolder(out).page}`);
    } finally {
      display.end();
      interrupt.dispose();
    }
  },
});

function list(output: ReturnType<typeof terminalOutput>): void {
  const all = Object.values(studies);
  const rows = all.map(({ name, variants, seeds, data, question }) => [
    name,
    `${counted(variants.length, "variant")} x ${seeds}`,
    data,
    question,
  ]);
  output.line(table(["study", "runs", "data", "question"], rows, ["left", "left", "left", "left"]));
  output.result(all);
}

/** The study that a folder was begun with. */
async function recorded(out: string | undefined) {
  if (out === undefined) {
    throw new UsageError("--resume: say which study is to go on: its name, or --out DIR");
  }
  const before = await new StudyFolder(out).read();
  if (before) return before.study;
  throw new UsageError(`${out}: holds no study to resume; start without --resume`);
}
