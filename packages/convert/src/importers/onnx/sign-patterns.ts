import type { OnnxNode } from "../../readers/onnx/graph.js";
import type { Constants } from "./constants.js";

/**
 * +scale where x is above the threshold, else -scale; what is equal is as `equal` says, and 0 where ONNX's Sign
 * gives 0. negative: the other way round.
 */
export interface SignPattern {
  readonly x: string;
  /** A constant by name; undefined: 0. */
  readonly threshold?: string;
  readonly equal: 1 | -1 | 0;
  readonly negative: boolean;
  /** A number, or a constant by name: one for each channel. */
  readonly scale: number | string;
  /** Constants by name that the sign is chosen from, element by element. */
  readonly chosen?: readonly string[];
}

/** Domains of QONNX, as Brevitas, QONNX and FINN write them. */
const quantised = /qonnx|brevitas|finn/;

/** The sign that a node computes, in one of the forms that exporters write; undefined where it is none. */
export function signPattern(node: OnnxNode, constants: Constants): SignPattern | undefined {
  const { op, inputs, domain } = node;
  if (quantised.test(domain)) return quantiser(node, constants);
  if (domain !== "") return undefined;
  if (op === "Sign") return ofSign(inputs[0], constants);
  if (op === "Where") return ofWhere(node, constants);
  if (op === "Sub" || op === "Add") return ofCast(node, constants);
  return undefined;
}

/** sign(x), and sign(sign(x) + c), which says what becomes of 0. */
function ofSign(x: string, constants: Constants): SignPattern {
  const plain = { x, equal: 0, negative: false, scale: 1 } as const;
  const sum = constants.producer(x);
  if (sum?.op !== "Add" && sum?.op !== "Sub") return plain;
  const first = scalar(sum.inputs[0], constants);
  const turned = sum.op === "Add" && first !== undefined;
  const shift = turned ? first : scalar(sum.inputs[1], constants);
  const inner = constants.producer(sum.inputs[turned ? 1 : 0]);
  if (inner?.op !== "Sign" || shift === undefined || shift === 0 || Math.abs(shift) >= 1)
    return plain;
  const equal = shift > 0 === (sum.op === "Add") ? 1 : -1;
  return { ...plain, x: inner.inputs[0], equal };
}

/** Where(x > t, a, -a); a: a number, or a map of it, as torch.ones_like makes. */
function ofWhere(
  { inputs: [condition, yes, no] }: OnnxNode,
  constants: Constants,
): SignPattern | undefined {
  const [a, b] = [uniform(yes, constants), uniform(no, constants)];
  if (a === undefined || b === undefined || a === 0 || a !== -b) return undefined;
  const compared = comparison(condition, constants);
  if (!compared) return undefined;
  const chosen = [yes, no];
  return a > 0 ? { ...compared, scale: a, chosen } : { ...opposite(compared), scale: -a, chosen };
}

/** 2 [x > t] - 1 */
function ofCast({ op, inputs }: OnnxNode, constants: Constants): SignPattern | undefined {
  if (scalar(inputs[1], constants) !== (op === "Sub" ? 1 : -1)) return undefined;
  const product = constants.producer(inputs[0]);
  if (product?.op !== "Mul") return undefined;
  const at = [0, 1].find((place) => scalar(product.inputs[place], constants) === 2);
  if (at === undefined) return undefined;
  const cast = constants.producer(product.inputs[1 - at]);
  const compared = cast?.op === "Cast" ? comparison(cast.inputs[0], constants) : undefined;
  return compared && { ...compared, scale: 1 };
}

type Compared = Omit<SignPattern, "scale">;

const comparisons: { readonly [op: string]: Pick<Compared, "negative"> & { equal: 1 | -1 } } = {
  Greater: { negative: false, equal: -1 },
  GreaterOrEqual: { negative: false, equal: 1 },
  // Where x < t is true, so is -x > -t; what is equal counts as false.
  Less: { negative: true, equal: -1 },
  LessOrEqual: { negative: true, equal: 1 },
};

const opposite = ({ equal, negative, ...rest }: Compared): Compared => {
  return { ...rest, negative: !negative, equal: equal === 1 ? -1 : 1 };
};

/** The comparison of a value with a constant; equal: of the result, whether it is negative or not. */
function comparison(condition: string, constants: Constants): Compared | undefined {
  const node = constants.producer(condition);
  if (node?.domain !== "") return undefined;
  if (node.op === "Not") {
    const inner = comparison(node.inputs[0], constants);
    return inner && opposite(inner);
  }
  const rule = comparisons[node.op];
  if (!rule) return undefined;
  const [left, right] = node.inputs;
  if (constants.get(right)) return { x: left, threshold: right, ...rule };
  if (constants.get(left)) return { x: right, threshold: left, ...rule, negative: !rule.negative };
  return undefined;
}

/** BipolarQuant: scale * (x >= 0 ? 1 : -1). MultiThreshold of one threshold: the same of x >= t. */
function quantiser(node: OnnxNode, constants: Constants): SignPattern | undefined {
  const { op, inputs, attributes } = node;
  if (op === "BipolarQuant" && inputs.length > 1) {
    const scale = scalar(inputs[1], constants) ?? inputs[1];
    return { x: inputs[0], equal: 1, negative: false, scale };
  }
  const thresholds = op === "MultiThreshold" ? constants.get(inputs[1]) : undefined;
  const steps = thresholds?.shape.at(-1);
  const [times, plus] = [attributes.get("out_scale"), attributes.get("out_bias")];
  if (steps !== 1 || times !== 2 || plus !== -1) return undefined;
  return { x: inputs[0], threshold: inputs[1], equal: 1, negative: false, scale: 1 };
}

/** The number that all of a constant is. */
function uniform(value: string, constants: Constants): number | undefined {
  const data = constants.get(value)?.data;
  return data?.every((x) => x === data[0]) ? data[0] : undefined;
}

/** The one number of a constant. */
export function scalar(value: string, constants: Constants): number | undefined {
  const tensor = constants.get(value);
  return tensor?.data.length === 1 ? tensor.data[0] : undefined;
}
