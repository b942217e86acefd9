import { nativeIsas } from "../index.js";

/**
 * The instruction sets to test here. None where the addon is not built: says so, and fails in CI,
 * which builds it.
 */
export function isasUnderTest(): readonly string[] {
  const isas = nativeIsas();
  if (isas.length > 0) return isas;
  const message = "the native addon is not built (npm run build:native): its tests are skipped";
  if (process.env.CI) throw new Error(message);
  console.warn(message);
  return [];
}
