import { type Retrained, retrainOnData } from "@onebit/train";
import { openDataset } from "@onebit/train/data";
import { modelKind, openPacked } from "@onebit/train/subjects";
import { counted, onebitCommand } from "onebit/words";
import { listBad, reportBad } from "../bad-pictures.js";
import { command } from "../flags/command.js";
import { data } from "../flags/data.js";
import { json } from "../flags/json.js";
import { output } from "../flags/output.js";
import { strict } from "../flags/strict.js";
import { threads } from "../flags/threads.js";
import { abortOnInterrupt } from "../interrupt.js";
import { refuseSameFile, writeOutput } from "../output-file.js";
import { bar, StatusLine } from "../progress.js";
import { bytes, count, type Output, percent, shown, terminalOutput } from "../terminal.js";

export const retrain = command({
  name: "retrain",
  arguments: ["<file>"],
  about:
    "another classifier for a packed network, for the classes of a data set: all before it stays as it is",
  flags: [
    data.required(),
    output.required().means("where to write it, .onebit; - is standard output"),
    threads.means("threads of the network, where the backend has several").byDefault(1),
    strict,
    json,
  ],
  more: "The network sees every training picture once, then logistic regression is fitted to what its classifier sees: seconds for hundreds of pictures. To train more of a network: npx onebit train --init.",
  async run([file], flags) {
    const out = terminalOutput(flags);
    await modelKind(file, "packed");
    refuseSameFile(file, flags.output);
    const dataset = await openDataset(flags.data);
    for (const note of dataset.notes) out.note(`note: ${note}`);
    const { strict, threads } = flags;
    const network = await openPacked(file);
    const made = await withProgress((signal, onProgress) =>
      retrainOnData(network, dataset, { threads, skipBad: !strict, signal, onProgress }),
    );
    await writeOutput(flags.output, made.bytes);
    tell(made, flags.output, out);
    const { pictures, test, bad } = made;
    reportBad(out, bad, pictures + test.pictures + bad.length);
  },
});

async function withProgress<T>(
  work: (signal: AbortSignal, onProgress: (done: number, of: number) => void) => Promise<T>,
): Promise<T> {
  const status = new StatusLine();
  const interrupt = abortOnInterrupt();
  try {
    return await work(interrupt.signal, (done, of) =>
      status.show(`${bar(done / of)} ${count(done)} of ${counted(of, "picture")}`),
    );
  } finally {
    status.clear();
    interrupt.dispose();
  }
}

function tell(made: Retrained, path: string, out: Output): void {
  const { bytes: file, bad, pictures, width, seconds, classes, test } = made;
  const facts = { bytes: file.length, pictures, width, classes, test, seconds };
  out.result({ output: path, ...facts, bad: listBad(bad) });
  const names = classes.slice(0, 5).map(shown).join(", ");
  const more = classes.length > 5 ? ` and ${count(classes.length - 5)} more` : "";
  out.line(`${path}: ${bytes(file.length)}, classes ${names}${more}`);
  out.line(
    `${counted(pictures, "picture")} of ${count(width)} features: ${seconds.features.toFixed(1)} s, classifier: ${seconds.fit.toFixed(1)} s`,
  );
  out.line(`${percent(test.top1, 1)} of ${counted(test.pictures, "test picture")} right`);
  out.line(`Try it: ${onebitCommand("run", path, "photo.jpg")}`);
}
