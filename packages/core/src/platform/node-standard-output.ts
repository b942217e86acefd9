import { destinationOf } from "./node-destination.js";

/** Whether what is written there mixes with what the program prints. */
export function isStandardOutput(path: string): boolean {
  try {
    const destination = destinationOf(path);
    return destination.kind === "stream" && destination.stream === process.stdout;
  } catch {
    return false;
  }
}
