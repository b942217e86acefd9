import { type Bytes, damaged } from "./bytes.js";

/** A message of an object's header: what it is, and where its data lie. */
export interface Message {
  readonly type: number;
  readonly at: number;
  readonly size: number;
}

interface Block {
  readonly at: number;
  readonly end: number;
}

const CONTINUATION = 0x10;
/** No object of Keras has as many. */
const MOST_MESSAGES = 50_000;

/** The messages of the object header at `at`, of version 1 or 2, from all its blocks. */
export function headerMessages(file: Bytes, at: number): readonly Message[] {
  const second = file.signature(at, "OHDR");
  if (!second && file.u8(at) !== 1) throw damaged(`there is no object at byte ${at}`);
  const { first, prefix, fill } = second ? versionTwo(file, at) : versionOne(file, at);
  const messages: Message[] = [];
  const blocks: Block[] = [first];
  const seen = new Set<number>();
  for (const block of blocks) {
    if (seen.has(block.at)) throw damaged("an object's header goes round in circles");
    seen.add(block.at);
    for (let place = block.at; place + prefix <= block.end; ) {
      const message = second
        ? { type: file.u8(place), size: file.u16(place + 1), at: place + prefix }
        : { type: file.u16(place), size: file.u16(place + 2), at: place + prefix };
      file.check(message.at, message.size);
      place = message.at + message.size;
      messages.push(message);
      if (messages.length > MOST_MESSAGES) throw damaged("an object's header has no end");
      if (message.type !== CONTINUATION) continue;
      const start = file.address(message.at, "a continuation");
      const length = file.address(message.at + 8, "a continuation");
      file.check(start, length);
      // "OCHK" before, a checksum behind.
      blocks.push({ at: start + fill, end: start + length - fill });
    }
  }
  return messages;
}

/** version, reserved, messages (2), references (4), size (4), filled up to 16. */
function versionOne(file: Bytes, at: number) {
  const start = at + 16;
  return { first: { at: start, end: start + file.u32(at + 8) }, prefix: 8, fill: 0 };
}

/** "OHDR", version, flags, [times], [limits], size of 1 to 8 bytes. */
function versionTwo(file: Bytes, at: number) {
  const flags = file.u8(at + 5);
  const width = 1 << (flags & 3);
  const sizeAt = at + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const start = sizeAt + width;
  const end = start + file.number(sizeAt, width);
  return { first: { at: start, end }, prefix: flags & 4 ? 6 : 4, fill: 4 };
}
