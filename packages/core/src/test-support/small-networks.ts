const small = { classes: 7, input: [3, 16, 16] as const };
const pooled = { classes: 7, input: [3, 32, 32] as const };
const broad = { classes: 7, input: [3, 32, 64] as const };
const larger = { classes: 7, input: [3, 64, 64] as const };
const bnext = { ...small, widths: [6, 12, 24, 24, 48, 48] };

/** Networks of every family and with every option that can be packed: a label, and what builds them. */
export const smallNetworks: readonly [label: string, model: string, options: object][] = [
  ["bnext-nano", "bnext-nano", {}],
  ["reactnet-nano", "reactnet-nano", {}],
  ["bnext of odd widths", "bnext", bnext],
  ["bnext without ELM", "bnext", { ...bnext, elm: false }],
  ["bnext, gate on the input", "bnext", { ...bnext, gate: "input" }],
  ["bnext without gates", "bnext", { ...bnext, gate: "none" }],
  ["bnext, step 1", "bnext", { ...bnext, form: "step1" }],
  ["bnext, real", "bnext", { ...bnext, form: "real" }],
  ["bnext-18", "bnext-18", { ...small, width: 8 }],
  ["bnext, 8-4-8", "bnext", { ...bnext, quantised: "8-4-8", storedScale: true }],
  [
    "bnext-18, 32-8-8-8",
    "bnext-18",
    { ...small, width: 8, quantised: "32-8-8-8", shortcutBias: true },
  ],
  ["reactnet-a", "reactnet", { ...small, widths: [6, 12, 12, 24, 24] }],
  ["reactnet-a, pairs merged", "reactnet", { ...small, widths: [32, 64, 64, 128] }],
  ["reactnet-b", "reactnet-b", { ...small, widths: [8, 16, 16, 32] }],
  ["reactnet-c", "reactnet-c", { ...small, widths: [6, 12, 12, 24] }],
  ["reactnet-18", "reactnet-18", { ...larger, width: 8 }],
  ["bireal-18", "bireal-18", { ...larger, width: 8, depths: [2, 1, 2, 1] }],
  ["bireal-50", "bireal-50", { ...pooled, width: 8, depths: [2, 1, 2, 1] }],
  ["xnor-resnet", "xnor-resnet-18", { ...pooled, width: 6, depths: [1, 1, 1, 1] }],
  [
    "xnor-alexnet",
    "xnor-alexnet",
    { classes: 7, input: [3, 99, 99], widths: [4, 8, 12, 8, 8, 20, 24] },
  ],
  ["xnor-nin", "xnor-nin", { ...small, widths: [8, 12, 8, 16, 8, 8, 12, 8] }],
  ["real-to-binary", "real-to-binary", { ...pooled, width: 8, depths: [2, 1, 2, 1] }],
  ["binary-densenet", "binary-densenet-28", { ...pooled, width: 8, depths: [3, 2, 1, 1] }],
  ["meliusnet", "meliusnet-22", { ...broad, width: 16, depths: [1, 2, 1, 1] }],
  ["meliusnet-a", "meliusnet-a", { ...broad, width: 16, depths: [1, 1, 1, 1] }],
  ["pokebnn, 8-4-8", "pokebnn-1.0x", { ...small, widthMultiplier: 0.25, depths: [2, 1, 1, 1] }],
  ["bdnet", "bdnet-mobilenet", { ...small, widths: [8, 16, 16, 32] }],
  ["boolnet", "boolnet", { ...pooled, width: 4, slices: 2, depths: [2, 1, 1, 1] }],
  ["basenet of one slice", "basenet-k1", { ...pooled, width: 4, depths: [1, 1, 1, 1] }],
  ["quicknet", "quicknet", { ...pooled, widths: [8, 12, 16, 24], depths: [2, 1, 1, 1] }],
  ["binarynet-vgg", "binarynet-vgg", { ...small, widths: [8, 8, 12, 8, 16, 12, 20, 24] }],
];
