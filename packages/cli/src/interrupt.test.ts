import { OnebitError } from "onebit";
import { expect, it, vi } from "vitest";
import { abortOnInterrupt } from "./interrupt.js";

it.each(["SIGINT", "SIGTERM"] as const)("%s aborts with a message for users", (name) => {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const interrupt = abortOnInterrupt();
  expect(interrupt.signal.aborted).toBe(false);
  process.emit(name);
  interrupt.dispose();
  expect(said.mock.calls.join()).toContain("stopping after this step");
  said.mockRestore();
  expect(interrupt.signal.reason).toBeInstanceOf(OnebitError);
  expect(interrupt.signal.reason.message).toBe("interrupted before it was done: run it again");
});
