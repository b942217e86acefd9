import { OnebitError } from "onebit";
import { answerCalls } from "../threads/answer-calls.js";
import { createEngine } from "./node.js";
import type { Call } from "./protocol.js";
import type { Engine } from "./types.js";

/** The worker's side of startEngine: owns the engine. */

let engine: Engine | undefined;

answerCalls(perform, buffersOf);

async function perform(call: Call): Promise<unknown> {
  if (call.method === "start") {
    engine = await createEngine(call.plan, call.values);
    return undefined;
  }
  if (!engine) throw new OnebitError("the engine has not been started");
  switch (call.method) {
    case "step":
      return engine.step(call.request);
    case "evaluate":
      return engine.evaluate(call.request);
    case "snapshot":
      return engine.snapshot();
    case "restore":
      return engine.restore(call.snapshot);
    case "dispose":
      return engine.dispose();
    default:
      return call satisfies never;
  }
}

/** Every array of a reply is a copy made for it, or one that came with the call: all can move. */
function buffersOf(value: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const visit = (item: unknown): void => {
    if (item instanceof Float32Array) found.add(item.buffer as ArrayBuffer);
    else if (item && typeof item === "object") Object.values(item).forEach(visit);
  };
  visit(value);
  return [...found];
}
