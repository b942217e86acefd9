import type { OnnxClassifier, OnnxFile } from "@onebit/convert";
import {
  type OnnxSubject,
  openOnnxClassifier,
  openOnnxFile,
  type SubjectOptions,
} from "@onebit/train/subjects";
import { OnebitError } from "onebit";
import type { Inside, Tracer } from "./inside.js";
import { imageValue, type Value } from "./tensors.js";

/** Values inside an ONNX classifier are known by the names that its exporter gave them. */
export async function insideOnnx(
  { path }: OnnxSubject,
  { threads, size, onnx: settings }: SubjectOptions,
): Promise<Inside> {
  const { names, signs } = valuesOf(await openOnnxFile(path));
  return {
    names: [...names.keys()],
    signs,
    tracer: async (isWanted) => {
      const wanted = new Map([...names].filter(([name]) => isWanted(name)));
      const watch = [...wanted.values()];
      const watched = await openOnnxClassifier(path, { settings, threads, size, watch });
      return onnxTracer(watched, wanted, path);
    },
  };
}

interface OnnxValues {
  /** Name to compare by -> name in the file. */
  readonly names: ReadonlyMap<string, string>;
  readonly signs: readonly string[];
}

/**
 * onebit's own exports name what becomes of graph node NODE "NODE/Op_0", "NODE/Op_1", ...: the last
 * is its value. In other files every value goes by its own name.
 */
function valuesOf({ producer, nodes }: OnnxFile): OnnxValues {
  const names = new Map<string, string>();
  const signs: string[] = [];
  for (const { op, outputs } of nodes) {
    const [output] = outputs;
    const node = producer === "onebit" ? /^(.+)\/[A-Za-z]+_\d+$/.exec(output)?.[1] : undefined;
    if (!node) {
      for (const name of outputs) if (name) names.set(name, name);
      continue;
    }
    // Comparisons are no numbers; the Where behind one makes them signs.
    if (op === "Greater" || op === "GreaterOrEqual") signs.push(node);
    else names.set(node, output);
  }
  return { names, signs };
}

async function onnxTracer(
  model: OnnxClassifier,
  wanted: ReadonlyMap<string, string>,
  path: string,
): Promise<Tracer> {
  const { info, session } = model;
  const watch = [...wanted.values()];
  return {
    async trace(image) {
      if (info.batch !== undefined && info.batch !== 1) {
        throw new OnebitError(
          `${path}: takes ${info.batch} images at a time; export it with an open batch to look inside`,
        );
      }
      const feeds = { [info.inputName]: model.feed(image.data, 1) };
      const found = watch.length ? await session.run(feeds, watch) : {};
      const values = [...wanted].flatMap(([name, output]): [string, Value][] => {
        const value = imageValue(found[output]);
        return value ? [[name, value]] : [];
      });
      return { values: new Map(values), margins: new Map() };
    },
    dispose: () => model.dispose(),
  };
}
