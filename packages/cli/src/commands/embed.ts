import type { BadPicture } from "@onebit/train/data";
import { modelKind } from "@onebit/train/subjects";
import { UsageError } from "onebit";
import { makeIndex, VECTOR_FORMS, writeIndex } from "onebit/search";
import { counted, onebitCommand } from "onebit/words";
import { listBad, reportBad } from "../bad-pictures.js";
import { backend } from "../flags/backend.js";
import { budgetFlags, budgetOf } from "../flags/budget.js";
import { command } from "../flags/command.js";
import { flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { outputName } from "../flags/onnx.js";
import { output } from "../flags/output.js";
import { oneOf } from "../flags/readers.js";
import { strict } from "../flags/strict.js";
import { threads } from "../flags/threads.js";
import { refuseSameFile, writeOutput } from "../output-file.js";
import { photographs } from "../photographs.js";
import { bar, StatusLine } from "../progress.js";
import { type Embedder, openEmbedder, vectorOf } from "../search/vectors.js";
import { bytes, count, terminalOutput } from "../terminal.js";

const form = flag(
  "--as <form>",
  "how vectors are kept, and compared: numbers by their angle, signs (a 32nd of the size) by those that differ",
  oneOf(VECTOR_FORMS),
).byDefault("floats");

export const embed = command({
  name: "embed",
  arguments: ["<file>", "[inputs...]"],
  about: "an index of photographs (files, folders), by the vectors that a network makes of them",
  flags: [
    output.required(),
    form,
    outputName.anywhere().means("the output that is kept, a vector").byDefault("features"),
    backend,
    threads.means("threads, where the backend has several").byDefault(1),
    ...budgetFlags,
    strict,
    json,
  ],
  more: "npx onebit search finds the photographs that are nearest to another.",
  async run([file, inputs], flags) {
    const out = terminalOutput(flags);
    if (!inputs.length) throw new UsageError("nothing to embed: name photographs or folders");
    await modelKind(file, "packed");
    const paths = await photographs(inputs);
    for (const read of [file, ...paths]) refuseSameFile(read, flags.output);
    const { as: form, strict, output: to, outputName: output, backend, threads } = flags;
    const options = { backend, threads, budget: budgetOf(flags) };
    const embedder = await openEmbedder(file, output, options);
    try {
      for (const note of embedder.subject.notes) out.note(`note: ${note}`);
      const { names, vectors, bad } = await embedded(paths, strict, embedder);
      if (!names.length) return reportBad(out, bad, paths.length);
      const { network } = embedder;
      const index = makeIndex(vectors, { form, names, network, output });
      const size = await writeOutput(to, await writeIndex(index));
      const { width } = index;
      const made = { vectors: names.length, width, form, output, network, bytes: size };
      out.result({ index: to, ...made, bad: listBad(bad) });
      out.line(
        `${to}: ${counted(names.length, "vector")} of ${count(width)} ${form}, ${bytes(size)}`,
      );
      out.line(`Search it: ${onebitCommand("search", file, to, names[0])}`);
      reportBad(out, bad, paths.length);
    } finally {
      await embedder.subject.dispose();
    }
  },
});

interface Embedded {
  readonly names: readonly string[];
  readonly vectors: readonly Float32Array[];
  readonly bad: readonly BadPicture[];
}

async function embedded(
  paths: readonly string[],
  strict: boolean | undefined,
  embedder: Embedder,
): Promise<Embedded> {
  const names: string[] = [];
  const vectors: Float32Array[] = [];
  const bad: BadPicture[] = [];
  const status = new StatusLine();
  try {
    for (const [i, path] of paths.entries()) {
      const found = await vectorOf(path, { paths, strict }, embedder);
      if ("reason" in found) bad.push(found);
      else {
        names.push(path);
        vectors.push(found.made);
      }
      status.show(
        `${bar((i + 1) / paths.length)} ${count(i + 1)} of ${counted(paths.length, "photograph")}`,
      );
    }
  } finally {
    status.clear();
  }
  return { names, vectors, bad };
}
