import { expect, it } from "vitest";
import { Meter } from "./meter.js";

it("counts training for the speed, everything for the time left", () => {
  let clock = 5000;
  const meter = new Meter(1000, 400, () => clock);
  expect([meter.imagesPerSecond, meter.secondsLeft]).toEqual([0, 0]);
  meter.add(100, 500);
  clock += 1000;
  meter.add(50, 250);
  // 150 images in 0.75 s of training, 1 s in all; 450 of 1000 are left.
  expect(meter.imagesPerSecond).toBe(200);
  expect(meter.seconds).toBe(1);
  expect(meter.secondsLeft).toBe(3);
});
