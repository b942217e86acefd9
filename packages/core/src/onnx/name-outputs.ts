import { OnebitError } from "../errors.js";
import type { OnnxNode } from "./model-proto.js";

/** Output name -> ONNX name of its value. */
export type NamedOutputs = { readonly [output: string]: string };

/**
 * Gives the values behind graph outputs the outputs' names, by renaming or, where a value has
 * two names or none of its own to give up (an input, a constant), by Identity.
 */
export function nameOutputs(nodes: readonly OnnxNode[], outputs: NamedOutputs): OnnxNode[] {
  const computed = new Set(nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const identities: OnnxNode[] = [];
  for (const [output, value] of Object.entries(outputs)) {
    if (renamed.has(value) || !computed.has(value)) {
      identities.push(identity(renamed.get(value) ?? value, output));
    } else {
      renamed.set(value, output);
    }
  }
  const rename = (name: string) => renamed.get(name) ?? name;
  const all = nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
  return [...all, ...identities];
}

/** ONNX has one name space for inputs, initialisers and outputs. */
export function checkOutputNames(outputs: NamedOutputs, taken: ReadonlySet<string>): void {
  const clash = Object.keys(outputs).find((output) => taken.has(output));
  if (clash === undefined) return;
  throw new OnebitError(
    `output "${clash}" has the name of an input or tensor, which ONNX does not allow: rename it`,
  );
}

function identity(from: string, to: string): OnnxNode {
  const name = `output/${to}`;
  return { name, opType: "Identity", inputs: [from], outputs: [to], attributes: {} };
}
