import type { DType } from "../dtype.js";
import { printable } from "../text.js";
import { type Bytes, damaged } from "./bytes.js";
import { headerMessages, type Message } from "./header.js";
import { type Datatype, datatypeAt, shapeAt, textsAt, unread } from "./types.js";

/** An array of a file: where its numbers lie. */
export interface Hdf5Array {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly bigEndian: boolean;
  readonly at: number;
  readonly bytes: number;
}

/** An object of an HDF5 file. */
export interface Hdf5Object {
  /** Attributes that are text: lists, or one of no axes. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** Of a group: addresses of what lies in it. */
  readonly members?: ReadonlyMap<string, number>;
  /** Of a dataset of numbers. */
  readonly array?: Hdf5Array;
}

const MESSAGE = {
  ...{ space: 1, linkInfo: 2, type: 3, external: 7, link: 6, layout: 8, filters: 0x0b },
  ...{ attribute: 0x0c, symbols: 0x11, attributeInfo: 0x15 },
} as const;

/** The object whose header is at `at`; place is for messages. */
export function objectAt(file: Bytes, at: number, place: string): Hdf5Object {
  const messages = headerMessages(file, at);
  const find = (type: number) => messages.find((message) => message.type === type);
  const info = find(MESSAGE.attributeInfo);
  if (info && denseAt(file, info, 2)) throw dense(place, "attributes");
  const texts = new Map<string, readonly string[]>();
  for (const message of messages) {
    if (message.type === MESSAGE.attribute) readAttribute(file, message, texts);
  }
  const [space, type, layout] = [MESSAGE.space, MESSAGE.type, MESSAGE.layout].map(find);
  if (space && type && layout) {
    const filters = find(MESSAGE.filters);
    if (filters) throw compressed(file, filters, place);
    if (find(MESSAGE.external)) throw outside(place, "an external file");
    return { texts, array: arrayAt(file, { space, type, layout }, place) };
  }
  return { texts, members: membersOf(file, messages, place) };
}

function arrayAt(
  file: Bytes,
  {
    space,
    type,
    layout,
  }: { readonly space: Message; readonly type: Message; readonly layout: Message },
  place: string,
): Hdf5Array | undefined {
  const shape = shapeAt(file, space.at);
  const datatype = datatypeAt(file, type.at);
  // Texts and the like are no tensors; one number is a counter.
  if (datatype.kind !== "number" || shape.length === 0) return undefined;
  const bytes = shape.reduce((product, size) => product * size, datatype.bytes);
  const [version, kind] = [file.u8(layout.at), file.u8(layout.at + 1)];
  if (version !== 3 && version !== 4)
    throw unread(place, `its layout has version ${version}`, repack);
  const { dtype, bigEndian } = datatype;
  if (kind === 0) return { shape, dtype, bigEndian, at: file.check(layout.at + 4, bytes), bytes };
  if (kind === 3) throw outside(place, "a virtual dataset");
  if (kind !== 1) throw unread(place, "is stored in chunks", repack);
  const at = bytes === 0 ? 0 : file.u64(layout.at + 2);
  if (at === undefined) throw unread(place, "was never written", "save the model again");
  if (!(bytes <= file.length)) {
    throw damaged(`${place}: ${shape.join(" x ")} ${dtype} do not fit in ${file.length} bytes`);
  }
  return { shape, dtype, bigEndian, at: file.check(at, bytes), bytes };
}

const repack = "write the file again in the plain form: h5repack -f NONE -l CONTI IN OUT";

const filterNames: { readonly [id: number]: string } = {
  1: "gzip",
  2: "shuffle",
  3: "checksum",
  4: "szip",
};

/** version, filters; version 1 has 6 bytes more before the first. */
function compressed(file: Bytes, { at }: Message, place: string) {
  const first = file.u16(at + (file.u8(at) === 1 ? 8 : 2));
  return unread(place, `is compressed (${filterNames[first] ?? `filter ${first}`})`, repack);
}

/** version, [charset], sizes of name, type and space, and these; version 1 fills each up to 8 bytes. */
function readAttribute(
  file: Bytes,
  { at, size }: Message,
  texts: Map<string, readonly string[]>,
): void {
  const version = file.u8(at);
  if (version < 1 || version > 3) throw damaged(`an attribute of version ${version}`);
  const filled = (bytes: number) => (version === 1 ? Math.ceil(bytes / 8) * 8 : bytes);
  const [nameSize, typeSize, spaceSize] = [2, 4, 6].map((offset) => file.u16(at + offset));
  const nameAt = at + (version === 3 ? 9 : 8);
  const typeAt = nameAt + filled(nameSize);
  const spaceAt = typeAt + filled(typeSize);
  const dataAt = spaceAt + filled(spaceSize);
  if (dataAt > at + size) throw damaged("an attribute reaches beyond its message");
  // Types that several share are none of Keras's.
  if (version > 1 && file.u8(at + 1) & 1) return;
  const type: Datatype = datatypeAt(file, typeAt);
  const count = shapeAt(file, spaceAt).reduce((product, dim) => product * dim, 1);
  const name = file.text(nameAt, nameSize);
  if (count === 0) texts.set(name, []);
  else {
    const found = textsAt(file, type, dataAt, count);
    if (found) texts.set(name, found);
  }
}

function membersOf(file: Bytes, messages: readonly Message[], place: string): Map<string, number> {
  const members = new Map<string, number>();
  for (const message of messages) {
    if (message.type === MESSAGE.link) readLink(file, message, members, place);
    else if (message.type === MESSAGE.symbols) readSymbols(file, message, members, place);
    else if (message.type === MESSAGE.linkInfo && denseAt(file, message, 8))
      throw dense(place, "members");
  }
  return members;
}

/** version, flags, [type], [order], [charset], length, name, and where it leads. */
function readLink(file: Bytes, { at }: Message, members: Map<string, number>, place: string): void {
  const flags = file.u8(at + 1);
  const kind = flags & 8 ? file.u8(at + 2) : 0;
  const width = 1 << (flags & 3);
  const lengthAt = at + 2 + (flags & 8 ? 1 : 0) + (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
  const length = file.number(lengthAt, width);
  const name = file.text(lengthAt + width, length);
  const target = lengthAt + width + length;
  if (kind === 64) {
    const bytes = file.part(target + 3, Math.max(0, file.u16(target) - 1));
    throw outside(`${place}/${printable(name)}`, file.text(target + 3, bytes.length));
  }
  if (kind === 0) members.set(name, file.address(target, "an object"));
}

/** A tree of names, whose leaves list objects; the names lie in a heap. */
function readSymbols(
  file: Bytes,
  { at }: Message,
  members: Map<string, number>,
  place: string,
): void {
  const heap = file.address(at + 8, "a heap");
  if (!file.signature(heap, "HEAP")) throw damaged(`there is no heap at byte ${heap}`);
  const names = file.address(heap + 24, "a heap's data");
  const nodes = [file.address(at, "a tree")];
  const seen = new Set<number>();
  for (const node of nodes) {
    if (seen.has(node)) throw damaged("a group's tree goes round in circles");
    seen.add(node);
    const used = file.u16(node + 6);
    if (file.signature(node, "TREE")) {
      for (let i = 0; i < used; i++)
        nodes.push(file.address(node + 32 + 16 * i, "a part of a tree"));
    } else if (file.signature(node, "SNOD")) {
      for (let i = 0; i < used; i++) {
        const entry = node + 8 + 40 * i;
        const name = file.text(names + file.address(entry, "a name"), 4096);
        // A name for another name is none of Keras's.
        if (file.u32(entry + 16) !== 2) members.set(name, file.address(entry + 8, "an object"));
      }
    } else throw damaged(`${place}: there is no part of its tree at byte ${node}`);
  }
}

/** Many members or attributes lie in a heap of their own, whose address begins after [limits of `width` bytes]. */
function denseAt(file: Bytes, { at }: Message, width: number): boolean {
  return file.u64(at + 2 + (file.u8(at + 1) & 1 ? width : 0)) !== undefined;
}

function dense(place: string, what: string) {
  return unread(
    place,
    `its ${what} lie in a heap of their own`,
    "write the file again in the older form: h5repack --high=0 IN OUT",
  );
}

function outside(place: string, file: string) {
  return unread(
    place,
    `lies in another file (${printable(file)}), which is not followed`,
    "save the model in one file",
  );
}
