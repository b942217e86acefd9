/** A fuzzer whose inputs do, by their number, what no input may do. */
const deeds = {
  3: () => process.abort(),
  5: () => {
    throw new TypeError("no such thing");
  },
  7: () => {
    globalThis.kept = new Uint8Array(1.2 * 2 ** 30).fill(1);
  },
  9: () => {
    Promise.reject(new Error("nobody waits"));
  },
};

export const fuzzer = {
  name: "misbehaving",
  extension: "bin",
  input: async (seed, index) => ({
    bytes: Uint8Array.of(index),
    story: `input ${index} of ${seed}`,
    edits: [index % 2 ? "odd" : "even"],
    judge: async () => {
      deeds[index]?.();
      return { result: "refused", message: `no ${index}` };
    },
  }),
};
