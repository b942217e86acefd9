import { readFile } from "node:fs/promises";
import { evaluate, type Graph, GraphBuilder, type Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { describe, expect, it } from "vitest";
import { expectClose } from "../../../core/src/test-support/close.js";
import { randomStream } from "../../../core/src/test-support/draw.js";
import { readNpz } from "../../../core/src/test-support/npy.js";
import { shared } from "../../../core/src/test-support/shared.js";
import { compileTraining, trainingGraph } from "../engine/plan.js";
import { LOSSES, parseLoss, targetsFromLabels, teacherValue } from "./index.js";

const golden = (name: string) => shared(`goldens/ops/${name}.npz`);
const present = golden("loss_cross_entropy") !== undefined;

type Tensors = { [name: string]: Tensor };

/** A "network" whose tensors are its outputs, so that gradients reach them. */
function bareNetwork(outputs: Tensors, role: "binary" | "other" = "other"): Graph {
  const b = new GraphBuilder("bare");
  const init = { kind: "constant", value: 0 } as const;
  b.input("x", [outputs.logits.shape[0], 1]);
  for (const [name, { shape }] of Object.entries(outputs)) {
    b.output(name, b.tensor(`own.${name}`, { shape, kind: "parameter", role, init }));
  }
  return b.build();
}

/** Loss and gradients with respect to the outputs. */
function compute(loss: string, outputs: Tensors, given: Tensors, role?: "binary") {
  const shapes = Object.fromEntries(Object.entries(given).map(([name, t]) => [name, t.shape]));
  const graph = trainingGraph(bareNetwork(outputs, role), { loss, inputs: shapes });
  const x = {
    shape: [outputs.logits.shape[0], 1],
    data: new Float32Array(outputs.logits.shape[0]),
  };
  const own = Object.fromEntries(Object.entries(outputs).map(([name, t]) => [`own.${name}`, t]));
  const asked = new Set(graph.inputs.map(({ name }) => name));
  const inputs = Object.fromEntries(
    Object.entries({ x, ...given }).filter(([name]) => asked.has(name)),
  );
  const found = evaluate(graph, inputs, own).outputs;
  return { loss: found.loss.data[0], gradient: (name: string) => found[`grad:own.${name}`] };
}

describe.runIf(present)("losses against the official code", () => {
  it.each([
    ["loss_cross_entropy", "cross-entropy"],
    ["loss_label_smooth", "cross-entropy(smoothing=0.1)"],
  ])("%s", (name, loss) => {
    const { student, labels, loss: wanted, dstudent } = readNpz(golden(name)!);
    const data = targetsFromLabels(Int32Array.from(labels.data), student.shape[1]);
    const found = compute(loss, { logits: student }, { target: { shape: student.shape, data } });
    expectClose([found.loss], wanted.data, 1e-5, "loss");
    expectClose(found.gradient("logits").data, dstudent.data, 1e-5, "gradient");
  });

  it("loss_distribution", () => {
    const { student, teacher, loss, dstudent } = readNpz(golden("loss_distribution")!);
    const found = compute("distribution", { logits: student }, { [teacherValue(0)]: teacher });
    expectClose([found.loss], loss.data, 1e-5, "loss");
    expectClose(found.gradient("logits").data, dstudent.data, 1e-5, "gradient");
  });

  it.each([
    ["1teacher_hard", "gap-aware", 1],
    ["2teachers_hard", "gap-aware(form=as-published, weight=farther)", 2],
    ["1teacher_soft", "gap-aware(weight=equal)", 1],
    ["2teachers_soft", "gap-aware(weight=equal)", 2],
  ])("loss_bnext_kd_%s", (name, loss, count) => {
    const file = readNpz(golden(`loss_bnext_kd_${name}`)!);
    const teachers = Array.from({ length: count }, (_, t) => [
      teacherValue(t),
      file[`teacher${t + 1}`],
    ]);
    const found = compute(loss, { logits: file.student }, Object.fromEntries(teachers));
    expectClose([found.loss], file.loss.data, 1e-5, "loss");
    expectClose(found.gradient("logits").data, file.dstudent.data, 1e-5, "gradient");
  });
});

/** Plain float64 versions, written from the formulas. */
function rows({ shape: [n, c], data }: Tensor): number[][] {
  return Array.from({ length: n }, (_, i) => [...data.slice(i * c, (i + 1) * c)]);
}

function softmax(values: number[]): number[] {
  const exps = values.map((v) => Math.exp(v - Math.max(...values)));
  const sum = exps.reduce((a, b) => a + b);
  return exps.map((e) => e / sum);
}

const entropyWith = (teacher: number[], student: number[]) =>
  -softmax(teacher).reduce((sum, p, c) => sum + p * Math.log(softmax(student)[c]), 0);

const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;

function random(shape: number[], seed: number, scale = 2): Tensor {
  const next = randomStream(seed);
  const data = Float32Array.from(
    { length: shape.reduce((a, b) => a * b) },
    () => scale * (next() - 0.5),
  );
  return { shape, data };
}

describe("losses against their formulas", () => {
  const logits = random([5, 4], 1, 6);
  const teachers = [random([5, 4], 2, 6), random([5, 4], 3, 6), random([5, 4], 4, 6)];
  const given = Object.fromEntries(teachers.map((t, i) => [teacherValue(i), t]));
  const z = rows(logits);
  const gaps = teachers.map((t) => rows(t).map((row, n) => entropyWith(row, z[n])));

  it.each(["farther", "nearer"])("gap-aware, as intended, three teachers, %s", (weight) => {
    const sign = weight === "nearer" ? -1 : 1;
    const perImage = z.map((_, n) => {
      const weights = softmax(gaps.map((gap) => sign * gap[n]));
      return gaps.reduce((sum, gap, t) => sum + weights[t] * gap[n], 0) / 3;
    });
    const found = compute(`gap-aware(form=as-intended, weight=${weight})`, { logits }, given);
    expect(found.loss).toBeCloseTo(mean(perImage), 5);
  });

  it("distillation and labels, weighted", () => {
    const soft = teachers.map((t) =>
      mean(
        rows(t).map((row, n) =>
          entropyWith(
            row.map((v) => v / 3),
            z[n].map((v) => v / 3),
          ),
        ),
      ),
    );
    const labels = Int32Array.of(0, 3, 1, 1, 2);
    const hard = mean(z.map((row, n) => -Math.log(softmax(row)[labels[n]])));
    const target = { shape: [5, 4], data: targetsFromLabels(labels, 4) };
    const text = "0.9 * distillation(temperature=3) + 1e-1*cross-entropy";
    const found = compute(text, { logits }, { ...given, target });
    expect(found.loss).toBeCloseTo(0.9 * 9 * mean(soft) + 0.1 * hard, 4);
  });

  it("attention: maps of different channels", () => {
    const own = random([2, 3, 4, 4], 5);
    const wanted = random([2, 5, 4, 4], 6);
    const attentionOf = ({ shape: [, channels, h, w], data }: Tensor, n: number) => {
      const map = Array.from({ length: h * w }, (_, i) => {
        const at = (c: number) => data[(n * channels + c) * h * w + i];
        return Array.from({ length: channels }, (_, c) => at(c) ** 2).reduce((a, b) => a + b);
      });
      return map.map((q) => q / Math.hypot(...map));
    };
    const expected = mean(
      [0, 1].map((n) => {
        const [q, t] = [attentionOf(own, n), attentionOf(wanted, n)];
        return Math.hypot(...q.map((v, i) => v - t[i]));
      }),
    );
    const outputs = { logits: random([2, 4], 7), "stage-8": own };
    const found = compute("attention(student=stage-8, output=map)", outputs, {
      "teacher0.map": wanted,
    });
    expect(found.loss).toBeCloseTo(expected, 5);
  });

  it("penalties on latent weights", () => {
    const weights = random([6, 7], 8, 3);
    const w = [...weights.data];
    const m = mean(w);
    const moment = (k: number) => mean(w.map((v) => (v - m) ** k));
    const shaped = (moment(4) / moment(2) ** 2 - 1.8) ** 2;
    const outputs = { logits: weights };
    expect(compute("kurtosis", outputs, {}, "binary").loss).toBeCloseTo(shaped, 4);
    const near = mean(w.map((v) => Math.abs(Math.abs(v) - 1)));
    expect(compute("magnitude", outputs, {}, "binary").loss).toBeCloseTo(near, 5);
    expect(() => compute("kurtosis", outputs, {})).toThrow(/bare has no binary weights/);
  });

  it.each([
    ["gap-aware(weight=equal)", false],
    ["distillation", false],
    ["attention(output=map)", true],
    ["kurtosis", false],
    ["magnitude", false],
  ])("%s has the gradient of finite differences", (text, isMap) => {
    const own = isMap ? "stage-16" : "logits";
    const start = isMap ? random([2, 3, 4, 4], 9) : logits;
    const others = isMap ? { logits: random([2, 4], 7) } : {};
    const inputs = { ...given, "teacher0.map": random([2, 5, 4, 4], 6) };
    const at = (values: Tensor) =>
      compute(text, { ...others, [own]: values } as Tensors & { logits: Tensor }, inputs, "binary");
    const gradient = at(start).gradient(own).data;
    const h = 1e-2;
    for (let i = 0; i < 6; i++) {
      const moved = (by: number) => {
        const data = Float32Array.from(start.data);
        data[i] += by;
        return at({ shape: start.shape, data }).loss;
      };
      expect(gradient[i]).toBeCloseTo((moved(h) - moved(-h)) / (2 * h), 2);
    }
  });
});

describe("asking for what is not there", () => {
  const logits = random([2, 3], 1);

  it("lists what there is", () => {
    expect(() => compute("distribution", { logits }, {})).toThrow(
      'no batch has an input "teacher0.logits"; there are target',
    );
    const maps = { "teacher0.stage-16": random([2, 1, 2, 2], 2) };
    expect(() => compute("attention", { logits }, maps)).toThrow(
      'bare has no output "stage-16"; there are logits',
    );
  });

  it("wants a scalar", () => {
    const network = bareNetwork({ logits });
    expect(() => trainingGraph(network, { loss: (_, outputs) => outputs.get("logits") })).toThrow(
      "returns a value of shape [2,3]: the name of a scalar is wanted",
    );
    expect(() => trainingGraph(network, { loss: () => "nothing" })).toThrow('returns "nothing"');
  });

  it("must have the logits' shape", () => {
    const target = { shape: [2, 4], data: new Float32Array(8) };
    expect(() => compute("cross-entropy", { logits }, { target })).toThrow(/\[N, classes\]/);
  });
});

describe("losses in words", () => {
  it.each([
    ["crossentropy", 'character 1: unknown loss "crossentropy": did you mean "cross-entropy"?'],
    ["0.5*kurtosis + x", 'character 16: unknown loss "x": There are cross-entropy, distribution'],
    ["x*kurtosis", '"x" is no number'],
    ["", 'character 1: "": write a loss such as'],
    ["kurtosis +", "character 11"],
    ["kurtosis(target=1.8", "write a loss such as"],
    [
      "kurtosis(targt=2)",
      'character 10: unknown option of kurtosis "targt": did you mean "target"?',
    ],
    ["magnitude(a=1)", "There are none"],
    ["distillation(temperature=0)", 'temperature: "0" must be a number from 0.001 to 1000'],
    ["gap-aware(form=exact)", 'form: "exact" is none of as-published, as-intended'],
    ["gap-aware(form)", "write form=value"],
    ["cross-entropy(smoothing=NaN)", "must be a number from 0 to 1"],
    ["kurtosis(target=Infinity)", "must be a number from 1 to 1000"],
    ["distribution(teacher=-1)", "must be a whole number from 0 to 999"],
    ["attention(teacher=0.5)", "must be a whole number from 0 to 999"],
    ["distribution(teacher=1, teacher=0)", "teacher of distribution is given twice"],
    ["kurtosis + 0*distribution", "character 11: distribution times 0 adds nothing"],
  ])("%s is refused", (text, message) => {
    expect(() => parseLoss(text)).toThrow(message);
  });

  it("every kind says what it is and where from", () => {
    for (const { name, description, source } of LOSSES) {
      expect(
        [name, description, source].every((text) => text.length > 5),
        name,
      ).toBe(true);
      expect(() => parseLoss(name)).not.toThrow();
    }
  });
});

describe("targets", () => {
  it("are one-hot", () => {
    expect([...targetsFromLabels(Int32Array.of(2, 0), 3)]).toEqual([0, 0, 1, 1, 0, 0]);
  });
});

it("the documentation has a row for every loss, with its options and defaults", async () => {
  const page = await readFile(new URL("../../../../docs/training.md", import.meta.url), "utf8");
  for (const { name, defaults } of LOSSES) {
    const options = Object.entries(defaults).map(([option, value]) => `${option}=${value}`);
    const row = options.length ? `${name}(${options.join(", ")})` : name;
    expect(page).toContain(`\n| \`${row}\` |`);
  }
});

it.each(["kurtosis", "magnitude"])("%s reaches latent weights that the network clamps", (loss) => {
  const options = { classes: 4, input: [1, 8, 8], batch: 2, widths: [4, 8] } as const;
  for (const name of ["bnext", "reactnet"]) {
    const network = buildModel(name, options);
    const { gradients } = compileTraining(network, { loss });
    const latent = Object.keys(network.tensors).filter(
      (key) => network.tensors[key].role === "binary",
    );
    expect(gradients, name).toEqual(latent);
  }
});
