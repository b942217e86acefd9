import { GraphBuilder, outputNames } from "../graph/builder.js";
import type { Attributes, Graph, Mode, Shape, ValueType } from "../graph/types.js";
import { typesOf } from "../graph/types-of.js";
import { Lowering, type OnnxTarget } from "../onnx/lowering.js";
import { opNamed } from "../ops/index.js";
import type { Estimator } from "../ops/op.js";

/** What the graphs around one op are built from. Inputs are x0, x1, ...; outputs y0, y1, ... */
export interface OpUnderTest {
  readonly op: string;
  readonly attrs?: Attributes;
  readonly shapes: readonly Shape[];
  readonly bools?: readonly number[];
  readonly mode: Mode;
  readonly gradOutputs?: readonly number[];
  readonly estimators?: { readonly [name: string]: Estimator };
}

/** A graph of the op alone. Bool outputs are turned into 0 and 1. */
export function forwardGraph(test: OpUnderTest): { graph: Graph; types: ValueType[] } {
  const { b, outputs } = placed(test);
  outputs.forEach((value, i) => {
    const isBool = b.type(value).dtype === "bool";
    const number = () => b.op("where", [value, b.constant(1), b.constant(0)]);
    b.output(`y${i}`, isBool ? number() : value);
  });
  return { graph: b.build(), types: outputs.map((value) => b.type(value)) };
}

/**
 * A graph of the op and its gradient rule: dL/dy enters as inputs g0, g1, ..., dL/dx leaves as
 * outputs d0, d1, ... for every input in `wanted`.
 */
export function gradientGraph(test: OpUnderTest, wanted: readonly number[]): Graph {
  const { b, inputs, outputs } = placed(test);
  const rule = opNamed(test.op).gradient;
  if (!rule) throw new Error(`${test.op}: has no gradient rule`);
  const gradOutputs = outputs.map((value, i) =>
    (test.gradOutputs ?? [0]).includes(i) ? b.input(`g${i}`, b.shape(value)) : undefined,
  );
  const needs = inputs.map((_, i) => wanted.includes(i));
  const { mode, attrs = {}, estimators = {} } = test;
  const gradients = rule({ b, mode, inputs, outputs, gradOutputs, needs, estimators }, attrs);
  inputs.forEach((_, i) => {
    const gradient = gradients[i];
    if (!needs[i] && gradient)
      throw new Error(`${test.op}: built a gradient of input ${i}, not asked for`);
    if (!needs[i]) return;
    if (!gradient) throw new Error(`${test.op}: gives no gradient of input ${i}`);
    expectShape(`${test.op}: gradient of input ${i}`, b.shape(gradient), test.shapes[i]);
    b.output(`d${i}`, gradient);
  });
  return b.build();
}

export function expectShape(label: string, actual: Shape, expected: Shape): void {
  if (actual.join() === expected.join()) return;
  throw new Error(`${label}: has shape [${actual}], [${expected}] expected`);
}

/** ONNX op types that a graph lowers to. */
export function loweredOpTypes(graph: Graph, target: OnnxTarget, mode: Mode): string[] {
  const lowering = new Lowering(target, mode);
  const types = typesOf(graph);
  const names = new Map<string, string>();
  for (const node of graph.nodes) {
    const outputs = outputNames(node);
    lowering.enter(
      node.name,
      node.inputs.map((input) => names.get(input) ?? input),
      node.inputs.map((input) => types.get(input)!),
      outputs.map((output) => types.get(output)!),
    );
    const lowered = opNamed(node.op).lower(lowering, node.attrs);
    outputs.forEach((output, i) => {
      names.set(output, lowered[i]);
    });
  }
  return lowering.nodes.map((node) => node.opType);
}

function placed({ op, attrs = {}, shapes, bools = [] }: OpUnderTest) {
  const b = new GraphBuilder(op);
  const inputs = shapes.map((shape, i) => {
    const x = b.input(`x${i}`, shape);
    return bools.includes(i) ? b.op("greater", [x, b.constant(0)]) : x;
  });
  return { b, inputs, outputs: b.opOutputs(op, inputs, attrs, "y") };
}
