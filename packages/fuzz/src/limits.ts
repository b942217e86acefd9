/** What one input may take. */
export const LIMITS = {
  /** Of computing: what a busy machine adds does not count. */
  seconds: 10,
  /** Of waiting, after which its process is killed: it may have to share the machine. */
  waitSeconds: 300,
  /** Peak resident memory of the process that tries it, besides what the input's own size explains. */
  memoryBytes: 2 ** 30,
} as const;

/** A large input is held several times: as it was drawn, edited, signed and read, and as a backend lays it out. */
const COPIES = 4;

/** Most bytes that a process may reach that has tried inputs of at most this size. */
export const mostMemory = (inputBytes: number): number => LIMITS.memoryBytes + COPIES * inputBytes;
