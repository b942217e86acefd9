/** What one input may take. */
export const LIMITS = {
  /** Of computing: what a busy machine adds does not count. */
  seconds: 10,
  /** Of waiting, after which its process is killed: it may have to share the machine. */
  waitSeconds: 300,
  /** Peak resident memory of the process that tries it. */
  memoryBytes: 2 ** 30,
} as const;
