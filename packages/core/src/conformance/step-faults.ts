import type { MicroOp, PoolStep, Program, Step } from "../program/types.js";
import type { Backend } from "../runtime/backend.js";
import { checkNetwork, expectedOfNetwork } from "./check-networks.js";

const MOST = 3.4028234663852886e38;

/** Mistakes that a backend could make in steps that are no convolutions. */
const MISTAKES = {
  "channels not dealt out": (step) => (step.kind === "shuffle" ? { ...step, dealt: 1 } : step),
  "channels from the first on": (step) =>
    step.kind === "shuffle" && step.first > 0 ? { ...step, first: 0 } : step,
  "a pool without its padding": (step) => (step.kind === "pool" ? withoutPadding(step) : step),
  "numbers not rounded": inEpilogues((op) =>
    op[0] === "round" ? ["clamp", op[1], -MOST, MOST] : op,
  ),
  "the smaller for the larger": inEpilogues((op) => (op[0] === "max" ? ["min", op[1], op[2]] : op)),
  "signs of what is equal": inEpilogues((op) =>
    op[0] === "sign" || op[0] === "bits"
      ? ([...op.slice(0, -1), 0 - (op.at(-1) as number)] as unknown as MicroOp)
      : op,
  ),
} satisfies { [fault: string]: (step: Step) => Step };

export type StepFault = keyof typeof MISTAKES;
export const STEP_FAULTS = Object.keys(MISTAKES) as readonly StepFault[];

function inEpilogues(change: (op: MicroOp) => MicroOp): (step: Step) => Step {
  return (step) => ({ ...step, epilogue: step.epilogue.map(change) });
}

/** As large, from further in. */
function withoutPadding(step: PoolStep): PoolStep {
  const { padding, paddingEnd = padding } = step;
  const end = [0, 1].map((axis) => padding[axis] + paddingEnd[axis]);
  return { ...step, padding: [0, 0], paddingEnd: [end[0], end[1]] };
}

/** Random networks after which a fault counts as missed. */
const PATIENCE = 200;

/** Networks tried until the suite found a mistake that was put into the backend on purpose; undefined: it did not. */
export async function networksUntilCaught(
  backend: Backend,
  fault: StepFault,
  seed: number,
): Promise<number | undefined> {
  const faulty = withStepFault(backend, fault);
  for (let i = 0; i < PATIENCE; i++) {
    const expectation = await expectedOfNetwork(seed * PATIENCE + i);
    if (await checkNetwork(faulty, 1, expectation)) return i + 1;
  }
  return undefined;
}

function withStepFault(backend: Backend, fault: StepFault): Backend {
  const mistake: (step: Step) => Step = MISTAKES[fault];
  return {
    ...backend,
    name: `${backend.name} with ${fault}`,
    unavailable: () => backend.unavailable(),
    compile(program, tensors, options) {
      const mistaken: Program = { ...program, steps: program.steps.map(mistake) };
      return backend.compile(mistaken, tensors, options);
    },
  };
}
