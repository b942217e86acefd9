import { counted } from "onebit/words";
import { type Advice, type Finding, listed, type Training } from "./advice.js";

/** So many steps, and observations of them, are waited for. */
export const STEPS = 200;
export const OBSERVATIONS = 3;
/** Below this share of the highest learning rate signs may well rest. */
export const LOW_RATE = 0.1;

/** 1-bit weights none of which has changed its sign since the training was begun or went on. */
export function frozenWeights({ peakRate }: Training): Advice {
  /** Steps and observations without a flip; null after one. */
  const still = new Map<string, { steps: number; times: number } | null>();
  return {
    find(event) {
      if (event.event !== "observation" || event.learningRate < LOW_RATE * peakRate) return [];
      if (event.learningRate === 0) return [];
      return Object.entries(event.layers).flatMap(([about, { flipRate }]): Finding[] => {
        const known = still.get(about);
        if (flipRate === undefined || known === null) return [];
        if (flipRate > 0) {
          still.set(about, null);
          return [];
        }
        const steps = (known?.steps ?? 0) + event.step - event.since;
        const times = (known?.times ?? 0) + 1;
        still.set(about, { steps, times });
        return steps < STEPS || times < OBSERVATIONS
          ? []
          : [{ about, figure: counted(steps, "step") }];
      });
    },
    say: (findings) =>
      `frozen weights in ${listed(findings)}: none of them has changed its sign in these steps, though they are trained. Raise the learning rate (schedule.learningRate, or --rate 'KEY*=10'), begin with smaller latent weights, or see whether the loss reaches the layer (its gradientNorm); if it is meant: --freeze 'KEY*'`,
  };
}
