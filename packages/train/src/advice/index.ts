export { Advisor } from "./advisor.js";
export { idleEpochs, peakRate } from "./idle-epochs.js";
