import { OnebitError } from "onebit";
import { fields, textOf } from "./protobuf.js";

/** A whole number, the name of an open dimension ("N"), or undefined where the file says nothing. */
export type OnnxDimension = number | string | undefined;

/** An input or output of an ONNX graph, as the file declares it. */
export interface OnnxValueInfo {
  readonly name: string;
  /** ONNX's number of the element type (1 is float32); 0 where the value is no tensor. */
  readonly type: number;
  /** undefined: not even the rank is known. */
  readonly shape: readonly OnnxDimension[] | undefined;
}

/** A node of an ONNX graph: its operator, and the values that it reads and makes, by name. */
export interface OnnxNodeInfo {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** What an .onnx file says about itself; weights are counted, not read. */
export interface OnnxFile {
  readonly name: string;
  readonly producer: string;
  /** Version of the standard operators. */
  readonly opset: number;
  /** Those that a caller must feed: weights listed as inputs are left out. */
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly nodes: readonly OnnxNodeInfo[];
  /** Numbers in all initialisers. */
  readonly parameters: number;
  /** Files beside the model that hold weights. */
  readonly externalFiles: readonly string[];
  readonly metadata: { readonly [key: string]: string };
}

/** Field numbers are those of onnx.proto3. OnebitError where the bytes are no ONNX model. */
export function readOnnxFile(bytes: Uint8Array): OnnxFile {
  let [producer, opset] = ["", 0];
  const graph = new GraphReader();
  let graphs = 0;
  const metadata: { [key: string]: string } = Object.create(null);
  for (const field of fields(bytes)) {
    if (field.number === 2) producer = textOf(field.bytes);
    else if (field.number === 7) {
      graph.read(field.bytes);
      graphs++;
    } else if (field.number === 8) opset = Math.max(opset, standardOpset(field.bytes));
    else if (field.number === 14) {
      const [key, value] = pair(field.bytes);
      metadata[key] = value;
    }
  }
  if (graphs === 0 || graph.nodes.length === 0 || opset === 0) {
    throw new OnebitError(
      "not an ONNX model: it holds no graph of operators; export the network again",
    );
  }
  return { producer, opset, metadata, ...graph.result() };
}

class GraphReader {
  readonly nodes: OnnxNodeInfo[] = [];
  readonly #inputs: OnnxValueInfo[] = [];
  readonly #outputs: OnnxValueInfo[] = [];
  readonly #initializers = new Set<string>();
  readonly #externalFiles = new Set<string>();
  #name = "";
  #parameters = 0;

  read(bytes: Uint8Array): void {
    for (const field of fields(bytes)) {
      if (field.number === 1) this.nodes.push(nodeInfo(field.bytes));
      else if (field.number === 2) this.#name = textOf(field.bytes);
      else if (field.number === 5) this.#initializer(field.bytes);
      else if (field.number === 11) this.#inputs.push(valueInfo(field.bytes));
      else if (field.number === 12) this.#outputs.push(valueInfo(field.bytes));
    }
  }

  result() {
    return {
      name: this.#name,
      inputs: this.#inputs.filter(({ name }) => !this.#initializers.has(name)),
      outputs: this.#outputs,
      nodes: this.nodes,
      parameters: this.#parameters,
      externalFiles: [...this.#externalFiles],
    };
  }

  #initializer(bytes: Uint8Array): void {
    let elements = 1;
    for (const field of fields(bytes)) {
      if (field.number === 1) for (const dim of integers(field)) elements *= dim;
      else if (field.number === 8) this.#initializers.add(textOf(field.bytes));
      else if (field.number === 13) {
        const [key, value] = pair(field.bytes);
        if (key === "location") this.#externalFiles.add(value);
      }
    }
    this.#parameters += elements;
  }
}

/** A repeated number, packed into one field or not. */
function integers({ value, bytes }: { value: number; bytes: Uint8Array }): number[] {
  if (bytes.length === 0) return [value];
  const list: number[] = [];
  let [current, scale] = [0, 1];
  for (const byte of bytes) {
    current += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    list.push(current);
    [current, scale] = [0, 1];
  }
  return list;
}

/** Opset of the standard operators, 0 for other domains. */
function standardOpset(bytes: Uint8Array): number {
  let [domain, version] = ["", 0];
  for (const field of fields(bytes)) {
    if (field.number === 1) domain = textOf(field.bytes);
    else if (field.number === 2) version = field.value;
  }
  return domain === "" || domain === "ai.onnx" ? version : 0;
}

/** StringStringEntryProto. */
function pair(bytes: Uint8Array): [key: string, value: string] {
  let [key, value] = ["", ""];
  for (const field of fields(bytes)) {
    if (field.number === 1) key = textOf(field.bytes);
    else if (field.number === 2) value = textOf(field.bytes);
  }
  return [key, value];
}

function nodeInfo(bytes: Uint8Array): OnnxNodeInfo {
  const inputs: string[] = [];
  const outputs: string[] = [];
  let [name, op] = ["", ""];
  for (const field of fields(bytes)) {
    if (field.number === 1) inputs.push(textOf(field.bytes));
    else if (field.number === 2) outputs.push(textOf(field.bytes));
    else if (field.number === 3) name = textOf(field.bytes);
    else if (field.number === 4) op = textOf(field.bytes);
  }
  return { name, op, inputs, outputs };
}

function valueInfo(bytes: Uint8Array): OnnxValueInfo {
  let name = "";
  let described: Pick<OnnxValueInfo, "type" | "shape"> = { type: 0, shape: undefined };
  for (const field of fields(bytes)) {
    if (field.number === 1) name = textOf(field.bytes);
    else if (field.number === 2) described = tensorType(field.bytes);
  }
  return { name, ...described };
}

function tensorType(bytes: Uint8Array): Pick<OnnxValueInfo, "type" | "shape"> {
  let type = 0;
  let shape: OnnxDimension[] | undefined;
  for (const choice of fields(bytes)) {
    if (choice.number !== 1) continue;
    for (const field of fields(choice.bytes)) {
      if (field.number === 1) type = field.value;
      else if (field.number === 2) shape = dimensions(field.bytes);
    }
  }
  return { type, shape };
}

function dimensions(bytes: Uint8Array): OnnxDimension[] {
  const shape: OnnxDimension[] = [];
  for (const dim of fields(bytes)) {
    if (dim.number !== 1) continue;
    let size: OnnxDimension;
    for (const field of fields(dim.bytes)) {
      // Exporters write 0 or -1 for what they leave open.
      if (field.number === 1)
        size = field.value > 0 && field.value < 2 ** 31 ? field.value : undefined;
      else if (field.number === 2) size = textOf(field.bytes);
    }
    shape.push(size);
  }
  return shape;
}
