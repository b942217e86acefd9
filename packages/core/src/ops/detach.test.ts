import { expect, test } from "vitest";
import { checkOp } from "../test-support/op-check.js";
import { gradientGraph } from "../test-support/op-graphs.js";

test("detach: the identity forward, nothing backward", async () => {
  const { inputs, outputs } = await checkOp({ op: "detach", inputs: [[2, 3]] });
  expect([...outputs[0].data]).toEqual([...inputs[0].data]);
  const build = () => gradientGraph({ op: "detach", shapes: [[2, 3]], mode: "training" }, [0]);
  expect(build).toThrow("gives no gradient of input 0");
});
