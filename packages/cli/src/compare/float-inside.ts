import type { OnnxSession } from "@onebit/convert";
import type { FloatSubject } from "@onebit/train/subjects";
import { type Sum, unscaled, type Visible, visibleNodes } from "./float-values.js";
import type { Inside, Tracer } from "./inside.js";
import { imageValue, type Trace, type Value } from "./tensors.js";

/** Every node of a float network that can be seen. */
export function insideFloat(subject: FloatSubject): Inside {
  const { graph, tensors, inputName, session } = subject;
  const { nodes, sums } = visibleNodes(graph, tensors, inputName);
  return {
    names: nodes.map(({ name }) => name),
    signs: nodes.filter(({ op }) => op === "sign").map(({ name }) => name),
    tracer: (isWanted) => floatTracer({ nodes, sums, input: inputName }, isWanted, session),
  };
}

/** One ONNX model with every wanted value as an output. */
async function floatTracer(
  { nodes, sums, input }: Visible & { readonly input: string },
  isWanted: (name: string) => boolean,
  open: (outputs: { readonly [name: string]: string }) => Promise<OnnxSession>,
): Promise<Tracer> {
  const values = nodes.filter(({ name }) => isWanted(name)).map(({ name }) => name);
  const wantedSums = [...sums].filter(([name]) => isWanted(`${name}:sum`));
  const signs = nodes.filter(({ op, name }) => op === "sign" && isWanted(`${name}:before`));
  const needed = new Set([
    ...values,
    ...wantedSums.map(([, { node }]) => node),
    ...signs.map(({ inputs }) => inputs[0]),
  ]);
  // Numbers, because names of values may be names of tensors too.
  const labels = new Map([...needed].map((name, i) => [name, `value ${i}`]));
  const outputs = Object.fromEntries([...labels].map(([name, label]) => [label, name]));
  const session = needed.size ? await open(outputs) : undefined;
  return {
    async trace(image) {
      const found = session
        ? await session.run({ [input]: { type: "float32", ...image } }, [...labels.values()])
        : {};
      const get = (name: string) => imageValue(found[labels.get(name)!]);
      return {
        values: new Map([...entries(values, get), ...sumEntries(wantedSums, get)]),
        margins: new Map(
          signs.flatMap(({ name, inputs }) => {
            const value = get(inputs[0]);
            return value ? [[name, value] as const] : [];
          }),
        ),
      } satisfies Trace;
    },
    dispose: async () => session?.dispose(),
  };
}

function entries(names: readonly string[], get: (name: string) => Value | undefined) {
  return names.flatMap((name): [string, Value][] => {
    const value = get(name);
    return value ? [[name, value]] : [];
  });
}

function sumEntries(
  sums: readonly (readonly [string, Sum])[],
  get: (name: string) => Value | undefined,
) {
  return sums.flatMap(([name, { node, scales }]): [string, Value][] => {
    const value = get(node);
    return value ? [[`${name}:sum`, scales ? unscaled(value, scales) : value]] : [];
  });
}
