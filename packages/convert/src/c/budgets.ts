import { OnebitError, UsageError } from "onebit";
import type { Program } from "onebit/program";
import type { Arena } from "./arena.js";

/** What a device has, in bytes. */
export interface Budgets {
  readonly flash?: number;
  readonly ram?: number;
}

/** What a network needs. */
export interface Needs {
  readonly constantBytes: number;
  readonly arenaBytes: number;
  /** Constants by step. */
  readonly bySteps: readonly number[];
  readonly arena: Arena;
}

/** How many are named of what takes most. */
const NAMED = 3;

/** OnebitError where a network does not fit: by how much, and what takes it. UsageError for what is no budget. */
export function checkBudgets(program: Program, needs: Needs, { flash, ram }: Budgets): void {
  for (const [what, budget] of Object.entries({ flash, ram })) {
    if (budget === undefined || (Number.isFinite(budget) && budget > 0)) continue;
    throw new UsageError(`${what} ${budget}: a number of bytes above 0 is wanted`);
  }
  const { constantBytes, arenaBytes } = needs;
  if (flash !== undefined && constantBytes > flash) {
    const steps = program.steps.map(({ covers, kind }, i) => ({
      name: covers[0] ?? kind,
      bytes: needs.bySteps[i],
    }));
    throw new OnebitError(
      `its constants take ${constantBytes} bytes of flash, ${constantBytes - flash} more than the ${flash} that it may have, without code; most are those of ${largest(steps)}: take a smaller network`,
    );
  }
  if (ram !== undefined && arenaBytes > ram) {
    const { layer, values } = atItsFullest(program, needs.arena);
    throw new OnebitError(
      `its values take ${arenaBytes} bytes of RAM, ${arenaBytes - ram} more than the ${ram} that it may have; at ${layer} there are ${largest(values)}: take smaller images or fewer channels at the beginning`,
    );
  }
}

interface Sized {
  readonly name: string;
  readonly bytes: number;
}

function largest(all: readonly Sized[]): string {
  return [...all]
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, NAMED)
    .map(({ name, bytes }) => `${name} (${bytes})`)
    .join(", ");
}

/** The step while which most is needed, and the values that there are then, each place once. */
function atItsFullest(program: Program, { lives, sizes, values: places }: Arena) {
  const there = program.steps.map((_, i) => {
    const byPlace = new Map<number, Sized>();
    program.values.forEach(({ name }, id) => {
      if (lives[id].first > i || lives[id].last < i || sizes[id] === 0) return;
      byPlace.set(places[id], { name, bytes: 4 * sizes[id] });
    });
    return [...byPlace.values()];
  });
  const totals = there.map((values) => values.reduce((sum, { bytes }) => sum + bytes, 0));
  const i = totals.indexOf(Math.max(...totals));
  const { covers, kind } = program.steps[i];
  return { layer: covers[0] ?? kind, values: there[i] };
}
