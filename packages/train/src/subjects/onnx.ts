import { UsageError } from "onebit";
import { openOnnxClassifier } from "./onnx-file.js";
import type { Subject, SubjectOptions } from "./subject.js";

/** An ONNX classifier. */
export interface OnnxSubject extends Subject {
  readonly kind: "onnx";
}

/** An ONNX classifier on ONNX Runtime. */
export async function onnxSubject(
  path: string,
  { threads, size, onnx: settings }: SubjectOptions,
): Promise<OnnxSubject> {
  const model = await openOnnxClassifier(path, { settings, threads, size });
  const { input, classes, labels, labelsAssumed, preprocess, inputType, notes } = model.info;
  const { normalisationAssumed } = model.info;
  return {
    ...{ kind: "onnx", path, backend: "onnxruntime", threads, notes, preprocess, inputType },
    normalisationAssumed,
    input: { kind: "map", shape: [input.channels, input.height, input.width] },
    outputs: { logits: { kind: "vector", shape: [classes] } },
    scores: { classes, labels, labelsAssumed, afterSoftmax: /softmax/.test(model.info.scores) },
    run: async (batch, outputs = ["logits"]) => {
      const other = outputs.find((name) => name !== "logits");
      if (other === undefined) return model.run(batch);
      throw new UsageError(`${path}: of an .onnx model only the scores come out, not "${other}"`);
    },
    dispose: () => model.dispose(),
  };
}
