import { describeClassifier, type OnnxFile, type OnnxSettings } from "@onebit/convert";
import { openOnnxFile } from "@onebit/train/subjects";
import { OnebitError } from "onebit";
import { type OnnxFlags, onnxSettings } from "./flags/onnx.js";
import { count, type Output, table } from "./terminal.js";

/** What an .onnx file says about itself, and how onebit would feed it. */
export async function onnxSummary(path: string, flags: OnnxFlags, out: Output): Promise<void> {
  const { bytes, ...file } = await openOnnxFile(path);
  const { classifier, refusal } = asClassifier(file, await onnxSettings(flags));
  const { name, producer, opset, inputs, outputs, parameters } = file;
  const ops = opCounts(file);
  out.result({
    ...{ name, producer, opset, inputs, outputs, parameters, ops },
    ...{ bytes: bytes.length, classifier: classifier ?? null, refusal },
  });
  const shapes = (values: OnnxFile["inputs"]) =>
    values.map((value) => `${value.name} [${(value.shape ?? ["?"]).join(", ")}]`).join("; ");
  const rows = [
    ["made by", `${producer || "unknown"}, opset ${opset}`],
    ["inputs", shapes(inputs)],
    ["outputs", shapes(outputs)],
    ["parameters", count(parameters)],
    ["operators", ops.map(([op, times]) => `${op} ${times}`).join(", ")],
    ["classifier", classifier ? `${count(classifier.classes)} classes` : `no: ${refusal}`],
  ];
  if (classifier) {
    const { layout, preprocess } = classifier;
    const { size, mean, std } = preprocess;
    rows.push([
      "images",
      `${layout}, ${size.join("x")}, mean ${mean.join(", ")}, std ${std.join(", ")}`,
    ]);
    for (const note of classifier.notes) out.note(`note: ${note}`);
  }
  out.line(table([path, ""], rows, ["left", "left"]));
}

function asClassifier(file: OnnxFile, settings: OnnxSettings) {
  try {
    return { classifier: describeClassifier(file, settings), refusal: undefined };
  } catch (error) {
    if (error instanceof OnebitError) {
      return { classifier: undefined, refusal: error.message };
    }
    throw error;
  }
}

/** Most frequent first. */
function opCounts({ nodes }: OnnxFile): [op: string, times: number][] {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}
