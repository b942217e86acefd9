import { evaluate } from "../graph/evaluate.js";
import {
  type Attributes,
  type Graph,
  type Mode,
  type Shape,
  sizeOf,
  type Tensor,
} from "../graph/types.js";
import type { OnnxTarget } from "../onnx/lowering.js";
import { toOnnx } from "../onnx/to-onnx.js";
import { opNamed } from "../ops/index.js";
import type { Estimator } from "../ops/op.js";
import { expectClose } from "./close.js";
import { type Domain, drawTensor, randomStream } from "./draw.js";
import { centralDifferences } from "./finite-differences.js";
import {
  expectShape,
  forwardGraph,
  gradientGraph,
  loweredOpTypes,
  type OpUnderTest,
} from "./op-graphs.js";
import { runOnnx } from "./run-onnx.js";
import { webgpuKernels } from "./webgpu-kernels.js";

export interface OpCheck {
  readonly op: string;
  readonly attrs?: Attributes;
  /** A shape is filled with random numbers from the domain, a tensor is taken as it is. */
  readonly inputs: readonly (Shape | Tensor)[];
  /** Inputs that the op wants as bool: they are given as numbers, true where above 0. */
  readonly bools?: readonly number[];
  readonly mode?: Mode;
  /** Inputs whose gradient is a true derivative: compared with finite differences. */
  readonly differentiable?: readonly number[];
  /** Inputs whose gradient is an estimator's: only its lowering is compared, with the oracle. */
  readonly estimated?: readonly number[];
  /** Where random inputs come from, for all or one per input. Default: [-2, 2]. */
  readonly domain?: Domain | readonly Domain[];
  /** Outputs compared with ONNX Runtime. Default: all. */
  readonly outputs?: readonly number[];
  /** Outputs that a gradient comes back through. Default: the first. */
  readonly gradOutputs?: readonly number[];
  readonly estimators?: { readonly [name: string]: Estimator };
  /** Relative tolerance of ONNX Runtime against the oracle. Default: 1e-5. */
  readonly tolerance?: number;
  readonly seed?: number;
}

export interface OpCheckResult {
  readonly inputs: readonly Tensor[];
  /** What the oracle says, in float32. */
  readonly outputs: readonly Tensor[];
  /** Random dL/dy that was sent back, by output index. */
  readonly gradOutputs: readonly (Tensor | undefined)[];
  /** dL/dx by input index, in float64; undefined for inputs not asked for. */
  readonly gradients: readonly (Tensor | undefined)[];
}

const TARGETS: readonly OnnxTarget[] = ["portable", "cpu", "webgpu"];
const DIFFERENCES_PER_INPUT = 40;

/**
 * The conformance check of one op. Fails with a message that names what differs.
 *
 * 1. infer gives the shapes that evaluate returns; cost is finite and not negative.
 * 2. The ONNX lowering of every target, run by ONNX Runtime, agrees with evaluate; the webgpu
 *    lowering uses only op types with a WebGPU kernel.
 * 3. The gradient rule, with L = sum(y * random weights): skips inputs that need no gradient, gives
 *    each gradient its input's shape, the same whether asked for alone or with others; agrees with
 *    central differences in float64; its lowering for every target agrees with evaluate.
 *
 * How to use it, in the op's test:
 *
 *   await checkOp({ op: "prelu", inputs: [[2, 3, 4, 4], [3]], differentiable: [0, 1],
 *                   domain: { low: -2, high: 2, avoid: [0] } });
 *
 * Keep finite differences away from kinks with `domain.avoid`. Give `estimated` instead of
 * `differentiable` where the rule is no true derivative. The result holds what was computed, so that
 * a test can go on to compare it with a closed form or a golden.
 */
export async function checkOp(check: OpCheck): Promise<OpCheckResult> {
  const { op, mode = "inference", differentiable = [], estimated = [] } = check;
  const random = randomStream(check.seed ?? 1);
  const inputs = check.inputs.map((input, i) => drawTensor(input, domainOf(check, i), random));
  const test: OpUnderTest = { ...check, mode, shapes: inputs.map(({ shape }) => shape) };
  const { graph } = forwardGraph(test);
  const feeds = named("x", inputs);
  const outputs = Object.values(evaluate(graph, feeds, {}, { mode }).outputs);
  checkTypesAndCost(test, outputs);
  await checkLowerings(
    check,
    graph,
    feeds,
    check.outputs?.map((i) => `y${i}`),
  );

  const wanted = [...differentiable, ...estimated];
  if (!wanted.length) return { inputs, outputs, gradOutputs: [], gradients: [] };

  const gradOutputs = outputs.map(({ shape }, i) =>
    (check.gradOutputs ?? [0]).includes(i)
      ? drawTensor(shape, { low: -1, high: 1 }, random)
      : undefined,
  );
  const backFeeds = { ...feeds, ...named("g", gradOutputs) };
  const gradients = gradientsOf(test, wanted, backFeeds);
  for (const i of wanted) checkAskedAlone(test, i, backFeeds, gradients[i]!);
  for (const i of differentiable) {
    const weights = named("y", gradOutputs);
    const elements = someOf(sizeOf(inputs[i].shape), random);
    const expected = centralDifferences({ graph, feeds, weights, mode }, `x${i}`, elements);
    const actual = elements.map((element) => gradients[i]!.data[element]);
    expectClose(actual, expected, 1e-6, `${op}: gradient of input ${i} against finite differences`);
  }
  await checkLowerings(check, gradientGraph(test, wanted), backFeeds);
  return { inputs, outputs, gradOutputs, gradients };
}

function checkTypesAndCost(test: OpUnderTest, outputs: readonly Tensor[]): void {
  const { types } = forwardGraph(test);
  types.forEach(({ shape }, i) => {
    expectShape(`${test.op}: evaluated output ${i}`, outputs[i].shape, shape);
    expectShape(`${test.op}: data of output ${i}`, [outputs[i].data.length], [sizeOf(shape)]);
  });
  const inputTypes = test.shapes.map((shape, i) => {
    return { shape, dtype: test.bools?.includes(i) ? ("bool" as const) : ("float32" as const) };
  });
  const { macs, elementwise } = opNamed(test.op).cost(inputTypes, types, test.attrs ?? {});
  if (!(macs >= 0 && elementwise >= 0 && Number.isFinite(macs + elementwise))) {
    throw new Error(`${test.op}: costs ${macs} MACs and ${elementwise} element-wise operations`);
  }
}

/** Runs every target's ONNX form and compares the named outputs (all by default) with the oracle. */
async function checkLowerings(
  { op, mode = "inference", tolerance = 1e-5 }: OpCheck,
  graph: Graph,
  feeds: { readonly [name: string]: Tensor },
  outputs: readonly string[] = Object.keys(graph.outputs),
): Promise<void> {
  const expected = evaluate(graph, feeds, {}, { mode }).outputs;
  const missing = loweredOpTypes(graph, "webgpu", mode).filter((type) => !webgpuKernels.has(type));
  if (missing.length) throw new Error(`${op}: WebGPU has no kernel for ${missing.join(", ")}`);
  for (const target of TARGETS) {
    const actual = await runOnnx(toOnnx(graph, { target, mode }), feeds);
    for (const output of outputs) {
      const label = `${op}: ${output} lowered for ${target}`;
      expectShape(label, actual[output].shape, expected[output].shape);
      expectClose(actual[output].data, expected[output].data, tolerance, label);
    }
  }
}

/** Gradients by input index, from the rule, in float64. */
function gradientsOf(
  test: OpUnderTest,
  wanted: readonly number[],
  feeds: { readonly [name: string]: Tensor },
): (Tensor | undefined)[] {
  const graph = gradientGraph(test, wanted);
  const { outputs } = evaluate(graph, feeds, {}, { mode: test.mode, precision: 64 });
  return test.shapes.map((_, i) => outputs[`d${i}`]);
}

function checkAskedAlone(
  test: OpUnderTest,
  input: number,
  feeds: { readonly [name: string]: Tensor },
  expected: Tensor,
): void {
  const alone = gradientsOf(test, [input], feeds)[input]!;
  expectClose(
    alone.data,
    expected.data,
    1e-12,
    `${test.op}: gradient of input ${input} asked for alone`,
  );
}

function domainOf({ domain = { low: -2, high: 2 } }: OpCheck, input: number): Domain {
  return "low" in domain ? domain : domain[input];
}

function named(
  prefix: string,
  tensors: readonly (Tensor | undefined)[],
): { [name: string]: Tensor } {
  const given = tensors.flatMap((tensor, i) =>
    tensor ? [[`${prefix}${i}`, tensor] as const] : [],
  );
  return Object.fromEntries(given);
}

/** Element numbers to differentiate: all of a small tensor, a random choice of a large one. */
function someOf(size: number, random: () => number): number[] {
  if (size <= DIFFERENCES_PER_INPUT) return Array.from({ length: size }, (_, i) => i);
  return Array.from({ length: DIFFERENCES_PER_INPUT }, () => Math.floor(random() * size));
}
