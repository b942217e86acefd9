import { cifar } from "./cifar.js";
import { folders } from "./folder.js";
import { glyphs } from "./glyphs.js";
import { idx } from "./idx.js";
import type { DataSource } from "./source.js";

/** Every source of data, in the order of help. */
export const sources: readonly DataSource[] = [glyphs, idx, cifar, folders];

const specs = sources.map(({ kind, address }) => (address ? `${kind}:${address}` : kind));

/** What openDataset takes, for people: "glyphs, idx:DIR, cifar:DIR or folder:DIR". */
export const DATA_SPEC = `${specs.slice(0, -1).join(", ")} or ${specs.at(-1)}`;
