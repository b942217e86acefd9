import { expect, it } from "vitest";
import { randomProgram } from "../../../conformance/random-program.js";
import { estimatedForm, formKey, formsFor } from "./form-choice.js";
import { probeForms } from "./form-probe.js";
import { measuredForms, unmeasuredShapes } from "./measured-forms.js";

it("finds a form that can compute it for every shape, and says whether one is not the estimate", async () => {
  for (let seed = 0; seed < 25; seed++) {
    const { program } = randomProgram(seed);
    const shapes = unmeasuredShapes(program);
    const changed = await probeForms(shapes);
    const found = shapes.map(({ step, input }) => {
      const form = measuredForms.get(formKey(step, input));
      expect(formsFor(step, input)).toContain(form);
      return form;
    });
    expect(changed).toBe(
      found.some((form, i) => form !== estimatedForm(shapes[i].step, shapes[i].input)),
    );
    expect(unmeasuredShapes(program)).toEqual([]);
  }
  expect(measuredForms.size).toBeGreaterThan(10);
});
