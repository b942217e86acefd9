import type { GraphBuilder } from "../graph/builder.js";
import type { Attributes, FloatArray, Mode, Tensor, ValueType } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";

export interface EvaluateContext {
  readonly mode: Mode;
  /** A zeroed array in the evaluation's precision. */
  array(length: number): FloatArray;
}

/** What a gradient rule works with. */
export interface GradientContext {
  /** Backward nodes are built here; forward values can be used as inputs. */
  readonly b: GraphBuilder;
  readonly mode: Mode;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Gradient with respect to each output; undefined where nothing flows back. */
  readonly gradOutputs: readonly (string | undefined)[];
  /** Whether the gradient of input i is wanted: skip the work otherwise. */
  readonly needs: readonly boolean[];
  /** Estimators supplied by the user, by name (see sign). */
  readonly estimators: { readonly [name: string]: Estimator };
}

/** A user's straight-through estimator: builds dL/dt from the sign's input t and dL/dy. */
export type Estimator = (b: GraphBuilder, t: string, gradOutput: string) => string;

/** What one execution of a node takes. */
export interface NodeCost {
  /** Multiply-accumulates of this node, whatever their bit width. */
  readonly macs: number;
  /** Element-wise arithmetic operations (one per element and pass), MACs excluded. */
  readonly elementwise: number;
}

/**
 * One op, every facet. A is the type of its attributes.
 *
 * infer     shape rule; throws OnebitError naming what does not fit
 * evaluate  plain TypeScript: the oracle, in float32 or float64 as the inputs are
 * gradient  returns graph values, one per input (undefined: no gradient)
 * cost      MACs and element-wise operations of one execution
 * lower     emits ONNX nodes, returns the ONNX name of each output
 */
export interface Op<A extends Attributes = Attributes> {
  readonly name: string;
  /** Labels of the second and further outputs. */
  readonly extraOutputs?: readonly string[];
  infer(inputs: readonly ValueType[], attrs: A): ValueType[];
  evaluate(inputs: readonly Tensor[], attrs: A, context: EvaluateContext): Tensor[];
  gradient?(context: GradientContext, attrs: A): (string | undefined)[];
  cost(inputs: readonly ValueType[], outputs: readonly ValueType[], attrs: A): NodeCost;
  lower(lowering: Lowering, attrs: A): string[];
}
