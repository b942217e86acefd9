import { crc32 } from "node:zlib";
import { bytes, int, type Part } from "./bytes.js";

export interface Member {
  name: string;
  data: Uint8Array;
  /** Zeros before the data that are counted, but not among the bytes: the caller makes a hole there. */
  hole?: number;
  /** What the records say, where it differs from the truth. */
  method?: number;
  flags?: number;
  crc?: number;
  size?: number;
  compressedSize?: number;
  headerOffset?: number;
  localName?: string;
  localExtra?: Uint8Array;
  /** Record after the data; implies zeros in the local header and flag bit 3. */
  descriptor?: "32" | "64" | "unsigned-32" | "unsigned-64" | "wrong";
  /** Sizes and place in 64-bit extra fields. */
  wide?: boolean;
}

export interface ZipOptions {
  wide?: boolean;
  comment?: string;
  prefix?: Uint8Array;
  count?: number;
  directoryOffset?: number;
}

/** Writes a zip file record by record, so that each record can lie. */
export function zip(members: readonly Member[], options: ZipOptions = {}): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [options.prefix ?? bytes()];
  let offset = parts[0].length;
  const directory: Part[] = [];
  for (const member of members) {
    const local = localRecord(member);
    directory.push(directoryRecord(member, member.headerOffset ?? offset));
    parts.push(local);
    offset += local.length + (member.hole ?? 0);
  }
  const table = bytes(directory);
  parts.push(table, endRecords(members.length, table.length, offset, options));
  return new Uint8Array(Buffer.concat(parts));
}

function fields(member: Member) {
  const { data, descriptor } = member;
  const size = data.length + (member.hole ?? 0);
  return {
    flags: member.flags ?? (descriptor ? 8 : 0),
    method: member.method ?? 0,
    crc: member.crc ?? crc32(data),
    compressed: member.compressedSize ?? size,
    size: member.size ?? size,
  };
}

function localRecord(member: Member): Uint8Array {
  const { flags, method, crc, compressed, size } = fields(member);
  const name = Buffer.from(member.localName ?? member.name);
  const wideExtra = member.wide
    ? bytes(int(1, 2), int(16, 2), int(size, 8), int(compressed, 8))
    : bytes();
  const extra = member.localExtra ?? wideExtra;
  const known = !member.descriptor;
  const short = (value: number) => int(member.wide ? 0xffffffff : known ? value : 0, 4);
  const header = bytes("PK\x03\x04", int(0, 2), int(flags, 2), int(method, 2), int(0, 4));
  const sizes = bytes(int(known ? crc : 0, 4), short(compressed), short(size));
  const lengths = bytes(int(name.length, 2), int(extra.length, 2));
  return Buffer.concat([header, sizes, lengths, name, extra, member.data, descriptorOf(member)]);
}

function descriptorOf(member: Member): Uint8Array {
  const { crc, compressed, size } = fields(member);
  const width = member.descriptor?.includes("64") ? 8 : 4;
  const record = bytes(int(crc, 4), int(compressed, width), int(size, width));
  if (!member.descriptor) return bytes();
  if (member.descriptor === "wrong")
    return bytes("PK\x07\x08", int(crc ^ 1, 4), record.subarray(4));
  return member.descriptor.startsWith("unsigned") ? record : bytes("PK\x07\x08", record);
}

function directoryRecord(member: Member, offset: number): Part {
  const { flags, method, crc, compressed, size } = fields(member);
  const name = Buffer.from(member.name);
  const extra = member.wide
    ? bytes(int(1, 2), int(24, 2), int(size, 8), int(compressed, 8), int(offset, 8))
    : bytes();
  const short = (value: number) => int(member.wide ? 0xffffffff : value, 4);
  return [
    ["PK\x01\x02", int(0, 4), int(flags, 2), int(method, 2), int(0, 4), int(crc, 4)],
    [short(compressed), short(size), int(name.length, 2), int(extra.length, 2), int(0, 2)],
    [int(0, 2), int(0, 6), short(offset), name, extra],
  ];
}

function endRecords(
  count: number,
  length: number,
  offset: number,
  options: ZipOptions,
): Uint8Array {
  const members = options.count ?? count;
  const place = options.directoryOffset ?? offset;
  const comment = Buffer.from(options.comment ?? "");
  const wide = bytes(
    ["PK\x06\x06", int(44, 8), int(0, 4), int(0, 8), int(members, 8), int(members, 8)],
    [int(length, 8), int(place, 8), "PK\x06\x07", int(0, 4), int(offset + length, 8), int(1, 4)],
  );
  const [n, l, o] = options.wide ? [0xffff, 0xffffffff, 0xffffffff] : [members, length, place];
  const end = bytes(
    ["PK\x05\x06", int(0, 4), int(n, 2), int(n, 2), int(l, 4), int(o, 4)],
    [int(comment.length, 2), comment],
  );
  return options.wide ? bytes(wide, end) : end;
}

/** A torch.save file around `pickle`, with storages by key. */
export function torchZip(
  pickle: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  extra: readonly Member[] = [],
): Uint8Array<ArrayBuffer> {
  return zip([
    { name: "net/data.pkl", data: pickle },
    ...Object.entries(storages).map(([key, data]) => ({ name: `net/data/${key}`, data })),
    { name: "net/version", data: bytes("3\n") },
    ...extra,
  ]);
}
