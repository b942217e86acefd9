import type { Code } from "./text.js";

/** What a step does with its accumulators: the part of its loops that is not the kernel's. */
export interface Body {
  /** Before the loops over pixels. */
  before(code: Code): void;
  /**
   * The loop over channels of a pixel (oy, ox), whose number is `pixel`; within it c is the channel. `accumulate`
   * writes what the accumulator of c needs, and returns it as an expression. group: only its channels.
   */
  channels(code: Code, accumulate: () => string, group?: ChannelGroup): void;
  /** After the loops over pixels. */
  after(code: Code): void;
}

/** Channels `group * size` to `(group + 1) * size`. */
export interface ChannelGroup {
  readonly size: number;
}

/** `for` every channel c, or those of the group. */
export function eachChannel(
  code: Code,
  channels: number,
  inside: () => void,
  group?: ChannelGroup,
): void {
  const [first, end] = group
    ? [`group * ${group.size}`, `(group + 1) * ${group.size}`]
    : ["0", channels];
  code.block(`for (int32_t c = ${first}; c < ${end}; c++)`, inside);
}
