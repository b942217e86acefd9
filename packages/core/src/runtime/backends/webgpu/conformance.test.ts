import { describe, expect, it } from "vitest";
import { checkNetwork } from "../../../conformance/check-networks.js";
import { extremeProgram } from "../../../conformance/extreme-program.js";
import { runConformance } from "../../../conformance/run.js";
import { webgpuHere } from "../../../test-support/webgpu-here.js";
import type { Backend } from "../../backend.js";
import { reference } from "../reference/index.js";
import type { PreferForm } from "./compile.js";
import { TILED_FORMS, tile } from "./forms.js";
import { webgpuBackend } from "./index.js";

/** Chromium has more (test/browser/webgpu.test.ts). ONEBIT_FULL=1 takes a quarter of an hour on a software adapter. */
const { convolutions, networks } = process.env.ONEBIT_FULL
  ? { convolutions: 20_000, networks: 500 }
  : { convolutions: 640, networks: 16 };

/** Of every word before a run: numbers that nobody has written are NaN. */
const GARBAGE = 0xffffffff;

const here = await webgpuHere();

/** One form after another. */
function everyForm(): PreferForm {
  let i = 0;
  return (_program, _step, fitting) => [...fitting, "direct" as const][i++ % (fitting.length + 1)];
}

/** Tiles that a software adapter compiles sooner than those that are fast. */
const small = tile([8, 8], [1, 4], 1);

function everyOtherTiled(): PreferForm {
  let i = 0;
  return () => (i++ % 2 === 0 ? small : "direct");
}

/** One program with the device's subgroups, the next without. */
function everyOtherJoined(prefer: PreferForm): Backend {
  const given = { prefer, fill: GARBAGE };
  const [joined, alone] = [webgpuBackend(given), webgpuBackend({ ...given, subgroup: 1 })];
  let i = 0;
  return { ...joined, compile: (...of) => (i++ % 2 === 0 ? joined : alone).compile(...of) };
}

describe.skipIf(!here)("webgpu", () => {
  it(`gives the integers of the definition for ${convolutions} convolutions, in every form`, async () => {
    const backend = everyOtherJoined(everyForm());
    const subjects = [{ backend, threads: 1 }];
    const report = await runConformance({ subjects, convolutions, networks: 0, faults: 1 });
    expect(report.failures).toEqual([]);
    expect(report.subjects[0].convolutions).toBeGreaterThanOrEqual(convolutions);
    const { kernels } = report.subjects[0];
    expect(Object.keys(kernels).toSorted()).toEqual(
      ["direct", ...TILED_FORMS.map(({ name }) => name)].toSorted(),
    );
    for (const [name, tried] of Object.entries(kernels)) {
      expect(tried.allEqual, `${name}: accumulators of equal signs`).toBeGreaterThan(0);
      expect(tried.allOpposite, `${name}: accumulators of opposite signs`).toBeGreaterThan(0);
    }
  }, 3_600_000);

  it(`gives integers and steps of ${networks} networks, to the bounds of float32`, async () => {
    const backend = everyOtherJoined(everyOtherTiled());
    const subjects = [{ backend, threads: 1 }];
    const report = await runConformance({ subjects, convolutions: 0, networks, faults: 0 });
    expect(report.failures).toEqual([]);
    expect(report.subjects[0].networks).toBe(networks);
  }, 3_600_000);

  it("takes programs at the edge of what is allowed", async () => {
    for (let seed = 0; seed < networks / 4; seed++) {
      const network = extremeProgram(seed);
      const executable = await reference.compile(network.program, network.tensors, { threads: 1 });
      const outputs = await executable.run(network.image, 1);
      const expectation = {
        name: `extreme ${seed}`,
        network,
        images: network.image,
        count: 1,
        outputs,
      };
      expect(
        await checkNetwork(
          webgpuBackend({ prefer: everyOtherTiled(), fill: GARBAGE }),
          1,
          expectation,
        ),
      ).toBe(undefined);
    }
  }, 3_600_000);
});
