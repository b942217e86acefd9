import { describe, expect, it } from "vitest";
import { randomProgram } from "../../conformance/random-program.js";
import { prepareProgram } from "../../runtime/backends/reference/program.js";
import { checkProgram } from "../check.js";
import { writeOf } from "../micro-ops.js";
import { prune } from "./prune.js";

describe("prune", () => {
  it("keeps the bits of what is asked for, and nothing that it does not need", async () => {
    let smaller = 0;
    for (let seed = 0; seed < 150; seed++) {
      const { program, tensors, image } = randomProgram(seed);
      const complete = await prepareProgram(program, tensors).run(image, 1);
      for (const name of Object.keys(program.outputs)) {
        const pruned = prune(program, [name]);
        checkProgram(pruned, tensors);
        const outputs = await prepareProgram(pruned, tensors).run(image, 1);
        expect(outputs).toEqual({ [name]: complete[name] });
        if (pruned.values.length < program.values.length) smaller++;
        const used = new Set(Object.values(pruned.outputs));
        for (const step of pruned.steps) {
          used.add(step.input);
          for (const op of step.epilogue) if (op[0] === "load") used.add(op[1]);
        }
        const written = pruned.steps.flatMap(({ epilogue }) =>
          epilogue.flatMap((op) => writeOf(op) ?? []),
        );
        for (const { value } of written) expect(used.has(value)).toBe(true);
      }
    }
    expect(smaller).toBeGreaterThan(20);
  });

  it("leaves a program as it is when everything is asked for and used", () => {
    const { program } = randomProgram(4);
    const once = prune(program, Object.keys(program.outputs));
    expect(prune(once, Object.keys(once.outputs))).toEqual(once);
  });
});
