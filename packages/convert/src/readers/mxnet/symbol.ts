import { OnebitError } from "onebit";
import { parseStrictJson } from "../strict-json.js";
import { printable } from "../text.js";

/** One operation or input of an MXNet network. */
export interface SymbolNode {
  /** Operator name; "null" for inputs, parameters and statistics. */
  readonly op: string;
  readonly name: string;
  /** As written: `{"kernel": "(3, 3)"}`. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Node and which of its outputs; always nodes before this one. */
  readonly inputs: readonly (readonly [node: number, output: number])[];
}

/** A network as an MXNet `-symbol.json` describes it. */
export interface MxnetSymbol {
  /** In execution order. */
  readonly nodes: readonly SymbolNode[];
  /** Outputs of the network: node and which of its outputs. */
  readonly heads: readonly (readonly [node: number, output: number])[];
}

const maxText = 8 * 2 ** 20;
const maxNodes = 100_000;

/** Reads a `-symbol.json` file. Attributes are under `attrs`, `attr` or `param`, by MXNet's version. */
export function parseMxnetSymbol(text: string): MxnetSymbol {
  if (text.length > maxText)
    throw new OnebitError(`MXNet symbol: ${text.length} characters, at most ${maxText} are read`);
  const { nodes, heads } = record(parseStrictJson(text, "MXNet symbol"), "the file");
  if (!Array.isArray(nodes) || !Array.isArray(heads) || nodes.length > maxNodes) {
    throw new OnebitError("MXNet symbol: needs a list of nodes and a list of heads");
  }
  const parsed = nodes.map((node, i) => parseNode(node, i));
  const names = new Set(parsed.map((node) => node.name));
  if (names.size !== parsed.length) throw new OnebitError("MXNet symbol: two nodes have one name");
  return { nodes: parsed, heads: heads.map((head) => parseEdge(head, parsed.length, "heads")) };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new OnebitError(`MXNet symbol: ${what} is no object`);
}

function parseNode(value: unknown, index: number): SymbolNode {
  const { op, name, inputs, attrs, attr, param } = record(value, `node ${index}`);
  if (typeof op !== "string" || typeof name !== "string" || !Array.isArray(inputs)) {
    throw new OnebitError(`MXNet symbol: node ${index} lacks its op, name or inputs`);
  }
  const what = `node ${index} (${printable(name)})`;
  const attributes = new Map<string, string>();
  for (const group of [param, attr, attrs]) {
    for (const [key, text] of Object.entries(group === undefined ? {} : record(group, what))) {
      if (typeof text !== "string")
        throw new OnebitError(`MXNet symbol: ${what}: ${key} is no text`);
      attributes.set(key, text);
    }
  }
  return { op, name, attributes, inputs: inputs.map((edge) => parseEdge(edge, index, what)) };
}

/** [node, output] or [node, output, version]. */
function parseEdge(edge: unknown, limit: number, what: string): readonly [number, number] {
  const [node, output] = Array.isArray(edge) ? edge : [];
  const index = (value: unknown): value is number =>
    Number.isSafeInteger(value) && Number(value) >= 0;
  if (index(node) && index(output) && node < limit) return [node, output];
  throw new OnebitError(`MXNet symbol: ${what}: an input is not a node before it`);
}
