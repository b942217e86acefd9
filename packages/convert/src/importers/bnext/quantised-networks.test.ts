import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { prepareProgram } from "../../../../core/src/runtime/backends/reference/program.js";
import { channelsLast } from "../../../../core/src/test-support/compare-packed.js";
import { imagesOf } from "../../../../core/src/test-support/golden-networks.js";
import { readNpy } from "../../../../core/src/test-support/npy.js";
import { shared } from "../../../../core/src/test-support/shared.js";
import { openBuffer } from "../../readers/open-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";

/**
 * Logits of two reference networks with 8-4-8 bit ends, computed by a second implementation: NumPy,
 * written from the published description alone, convolutions in float64. It agrees with the
 * official logits to 5e-7 where nothing is quantised.
 */
const expected: { readonly [bundle: string]: readonly (readonly number[])[] } = {
  "bnext-narrow-c10": [
    [
      -0.283178, 0.03062, -0.170971, 0.250472, -0.066564, -0.45166, 0.344629, -0.161272, 0.0075,
      0.108289,
    ],
    [
      0.063484, -0.210097, -0.022537, -0.422778, -0.124142, -0.424986, -0.150899, -0.185561,
      -0.156478, 0.113881,
    ],
    [
      0.28825, -0.055011, 0.595292, -0.224621, -0.053565, 0.206528, 0.347792, -0.652566, 0.123359,
      -0.127695,
    ],
    [
      0.108394, 0.07814, 0.363295, -0.221319, -0.260704, -0.069696, -0.229278, -0.126818, -0.103664,
      0.322895,
    ],
  ],
  "bnext18-narrow-c10": [
    [
      0.58695, -0.108691, -0.46554, 0.357401, -1.056133, 0.522986, 0.064538, -0.596871, -0.831747,
      -0.030819,
    ],
    [
      -0.384146, 0.56975, -0.035684, -0.555663, 0.036634, 0.300497, 0.428947, -0.05965, -0.450743,
      0.088172,
    ],
    [
      0.06095, 0.521622, 0.369446, -0.878044, 0.125523, -0.614969, 0.43207, 0.152491, -0.481704,
      -0.125776,
    ],
    [
      -0.324737, -0.851683, -0.21464, 0.078498, -0.321867, 0.379015, -0.299742, -0.295537, -0.18281,
      -0.165375,
    ],
  ],
};

describe.each(Object.keys(expected))("%s with 8-4-8 bit ends", (bundle) => {
  const folder = shared(`goldens/${bundle}`);
  if (!folder) return it("skipped: no goldens", () => {});

  it("has the logits of a second implementation, packed", async () => {
    const buffer = await openBuffer(`${folder}/state_dict.pth`);
    const { model } = await importCheckpoint(buffer, { quantised: "8-4-8" });
    await buffer.close?.();
    const { program, tensors } = pack(floatModelGraph(model), model.tensors);
    const images = readNpy(`${folder}/input.npy`);
    for (const [n, logits] of expected[bundle].entries()) {
      const image = imagesOf(images, n);
      const actual = (await prepareProgram(program, tensors).run(channelsLast(image), 1)).logits;
      const largest = Math.max(...logits.map(Math.abs));
      logits.forEach((x, k) => {
        expect(Math.abs(actual[k] - x), `image ${n}, class ${k}`).toBeLessThan(2e-5 * largest);
      });
    }
  });
});
