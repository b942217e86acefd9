import { type Advice, percent } from "./advice.js";

/** From this share of the time of an epoch's steps on, and so many seconds of it. */
export const WAITED = 0.2;
export const SECONDS = 2;

/** Steps that wait for images. */
export function slowLoader(): Advice {
  return {
    find(event) {
      if (event.event !== "epoch" || !event.waiting) return [];
      const { images } = event.waiting;
      if (images < WAITED || images * event.seconds < SECONDS) return [];
      return [{ about: "", figure: percent(images) }];
    },
    say: ([{ figure }]) =>
      `slow loader: ${figure} of the time of an epoch's steps was waiting for images. Leave it a core (fewer --threads), give it more threads (dataWorkers), bring the pictures to about the size that the network sees beforehand, or augment less`,
  };
}
