import { operandsOf, type Program, type ProgramValue, type ValueId, writeOf } from "onebit/program";
import { sharedPlaces } from "./in-place.js";

/** Of a pixel's bits. */
export const bitWords = (channels: number) => Math.ceil(channels / 32);

/** Bytes of a number of a map or vector. */
export type NumberBytes = (value: ProgramValue) => 2 | 4;

/** float32, or two bytes where the program says bfloat16. */
export const floatBytes: NumberBytes = ({ type }) => (type ? 2 : 4);
export const int16Bytes: NumberBytes = () => 2;

/** 4-byte words of a value: bits 32 to a word, pixel by pixel. */
export function valueWords(value: ProgramValue, bytes: NumberBytes): number {
  const [height, width, channels] = value.shape;
  if (value.kind === "bits") return height * width * bitWords(channels);
  return Math.ceil((height * width * channels * bytes(value)) / 4);
}

/** Something that needs memory from one step to another. */
interface Tenant {
  readonly words: number;
  readonly first: number;
  readonly last: number;
}

/** Where everything lies, in words from the start of the arena. */
export interface Arena {
  readonly words: number;
  /** By value id. */
  readonly values: readonly number[];
  /** What each step needs while it runs. */
  readonly scratch: readonly number[];
  /** Words of each value, and from when to when it is there. */
  readonly sizes: readonly number[];
  readonly lives: readonly Life[];
}

/** What an arena is planned for. */
export interface ArenaNeeds {
  /** Words that each step needs while it runs. */
  readonly scratch: readonly number[];
  readonly bytes: NumberBytes;
  /** Values that lie elsewhere. */
  readonly elsewhere?: readonly ValueId[];
}

/**
 * Places values and the scratch of steps so that what is needed at the same time does not overlap: the largest
 * first, each as low as it goes. A value that takes over from another, number by number, gets its place. The input is
 * there before the first step, outputs after the last.
 */
export function planArena(program: Program, { scratch, bytes, elsewhere = [] }: ArenaNeeds): Arena {
  const { values, steps } = program;
  const sizes = values.map((value, id) => (elsewhere.includes(id) ? 0 : valueWords(value, bytes)));
  const lives = livesOf(program);
  const owners = sharedPlaces(program, lives, bytes, elsewhere);
  const tenants: Tenant[] = [
    ...sizes.map((words, id) => {
      const sharing = lives.filter((_, other) => owners[other] === id);
      return {
        words: owners[id] === id ? words : 0,
        first: Math.min(...sharing.map(({ first }) => first)),
        last: Math.max(...sharing.map(({ last }) => last)),
      };
    }),
    ...steps.map((_, i) => ({ words: scratch[i], first: i, last: i })),
  ];
  const places = placed(tenants);
  const words = tenants.reduce((end, tenant, i) => Math.max(end, places[i] + tenant.words), 0);
  return {
    words,
    ...{ sizes, lives },
    values: owners.map((owner) => places[owner]),
    scratch: places.slice(values.length),
  };
}

/** From which step to which a value is needed. */
export interface Life {
  readonly first: number;
  readonly last: number;
}

function livesOf({ values, steps, input, outputs }: Program): Life[] {
  const first = values.map((_, id) => (id === input ? -1 : Number.POSITIVE_INFINITY));
  const last = values.map((_, id) => (Object.values(outputs).includes(id) ? steps.length : -1));
  steps.forEach((step, i) => {
    for (const id of touched(step)) {
      first[id] = Math.min(first[id], i);
      last[id] = Math.max(last[id], i);
    }
  });
  return values.map((_, id) => ({ first: first[id], last: last[id] }));
}

function touched({ input, epilogue }: Program["steps"][number]): ValueId[] {
  const others = epilogue.flatMap((op) => {
    const write = writeOf(op);
    return [...operandsOf<ValueId>(op, "read"), ...(write ? [write.value] : [])];
  });
  return [input, ...others];
}

/** Doubles may lie anywhere that is even. */
const ALIGNMENT = 2;

function placed(tenants: readonly Tenant[]): number[] {
  const places = tenants.map(() => 0);
  const order = [...tenants.keys()].sort((a, b) => tenants[b].words - tenants[a].words || a - b);
  const done: number[] = [];
  for (const i of order) {
    const { words, first, last } = tenants[i];
    if (words === 0) continue;
    const rivals = done
      .filter((j) => tenants[j].first <= last && first <= tenants[j].last)
      .sort((a, b) => places[a] - places[b]);
    let at = 0;
    for (const j of rivals) {
      if (at + words <= places[j]) break;
      at = Math.max(at, Math.ceil((places[j] + tenants[j].words) / ALIGNMENT) * ALIGNMENT);
    }
    places[i] = at;
    done.push(i);
  }
  return places;
}
