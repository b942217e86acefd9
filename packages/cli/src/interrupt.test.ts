import { OnebitError } from "onebit";
import { expect, it, vi } from "vitest";
import { abortOnInterrupt, Interruption, interruptAll } from "./interrupt.js";

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)("%s aborts with a message for users, and status %i", (name, status) => {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const interrupt = abortOnInterrupt();
  expect(interrupt.signal.aborted).toBe(false);
  process.emit(name, name);
  interrupt.dispose();
  expect(said.mock.calls.join()).toContain("stopping after this step");
  said.mockRestore();
  expect(interrupt.signal.reason).toBeInstanceOf(OnebitError);
  expect(interrupt.signal.reason).toMatchObject({
    message: "interrupted before it was done: run it again",
    status,
  });
  expect(process.listenerCount(name)).toBe(0);
});

it("all work can be asked to stop, and says whether there was any", () => {
  const reason = new Interruption("why", 141);
  expect(interruptAll(reason)).toBe(false);
  const interrupt = abortOnInterrupt();
  expect(interruptAll(reason)).toBe(true);
  expect(interrupt.signal.reason).toBe(reason);
  interrupt.dispose();
});
