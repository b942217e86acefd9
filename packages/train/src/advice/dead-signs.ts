import { type Advice, twiceFrom } from "./advice.js";

/** From this share of its channels on. */
export const DEAD = 0.25;

/** Channels whose sign is the same for a whole batch, in two observations one after the other. */
export const deadSigns = (): Advice =>
  twiceFrom(
    DEAD,
    "deadSigns",
    (layers) =>
      `dead signs before ${layers}: so many channels have the same sign everywhere in a batch, which tells the layer nothing. Put a batch normalisation or a learned threshold (RSign) before the sign; where there is one, lower the learning rate`,
  );
