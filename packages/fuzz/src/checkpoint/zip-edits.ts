import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Random } from "onebit/conformance";
import { edgeNumber, edgeText } from "../edge-values.js";
import { type BytesEdit, editInteger, flipBits, joined, moveBytes } from "./byte-edits.js";
import { editNpy } from "./npy-edits.js";
import { editPickle } from "./pickle-edits.js";

interface Member {
  name: string;
  data: Uint8Array;
  deflated: boolean;
  /** Fields of the directory that lie, by their place in its record. */
  lies: Map<number, number>;
}

/** Of a sound file without 64-bit records, as the seeds are. */
function membersOf(zip: Uint8Array): Member[] {
  const view = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength);
  const end = view.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  const members: Member[] = [];
  let at = view.readUInt32LE(end + 16);
  for (let left = view.readUInt16LE(end + 10); left > 0; left--) {
    const deflated = view.readUInt16LE(at + 10) === 8;
    const [size, nameLength] = [view.readUInt32LE(at + 20), view.readUInt16LE(at + 28)];
    const local = view.readUInt32LE(at + 42);
    const start = local + 30 + view.readUInt16LE(local + 26) + view.readUInt16LE(local + 28);
    const data = view.subarray(start, start + size);
    const name = view.toString("utf8", at + 46, at + 46 + nameLength);
    members.push({
      name,
      // Not slice(): of a Buffer it is no copy.
      data: new Uint8Array(deflated ? inflateRawSync(data) : data),
      deflated,
      lies: new Map(),
    });
    at += 46 + nameLength + view.readUInt16LE(at + 30) + view.readUInt16LE(at + 32);
  }
  return members;
}

/** Byte places of a directory record's fields that readers rely on, and their widths. */
const FIELDS: readonly (readonly [place: number, width: 2 | 4])[] = [
  [8, 2], // flags
  [10, 2], // method
  [16, 4], // CRC
  [20, 4], // compressed size
  [24, 4], // size
  [28, 2], // length of the name
  [30, 2], // length of the extra field
  [42, 4], // place of the local record
];

/** The file with right CRCs and sizes, but for the lies. */
function zipOf(members: readonly Member[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const { name, data, deflated, lies } of members) {
    const stored = deflated ? deflateRawSync(data) : data;
    const bytes = Buffer.from(name, "utf8").subarray(0, 65_535);
    const local = Buffer.alloc(30);
    local.write("PK\x03\x04", "latin1");
    local.writeUInt16LE(deflated ? 8 : 0, 8);
    local.writeUInt32LE(crc32(data), 14);
    local.writeUInt32LE(stored.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(bytes.length, 26);
    const record = Buffer.alloc(46);
    record.write("PK\x01\x02", "latin1");
    local.copy(record, 8, 6, 30);
    record.writeUInt32LE(offset, 42);
    for (const [place, width] of FIELDS) {
      const lie = lies.get(place);
      if (lie === undefined) continue;
      if (width === 2) record.writeUInt16LE(lie & 0xffff, place);
      else record.writeUInt32LE(lie >>> 0, place);
    }
    parts.push(local, bytes, stored);
    directory.push(record, bytes);
    offset += 30 + bytes.length + stored.length;
  }
  const table = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(table.length, 12);
  end.writeUInt32LE(offset, 16);
  return joined([...parts, table, end]);
}

/** One member's content edited as what it is, or its record, or the list; CRCs are right again. */
export const editZip: BytesEdit = (zip, random) => {
  const members = membersOf(zip);
  const at = random.int(0, members.length - 1);
  const told = random.chance(0.7) ? editContent(members, random) : editRecords(members, at, random);
  return { bytes: zipOf(members), told };
};

/** Pickles first: there the danger is. */
function editContent(members: readonly Member[], random: Random): string {
  const telling = members.filter(({ name }) => /\.pkl$|\.npy$/.test(name));
  const member = random.pick(telling.length > 0 && random.chance(0.8) ? telling : members);
  const edit = random.chance(0.2)
    ? random.pick([editInteger, flipBits, moveBytes])
    : member.name.endsWith(".npy")
      ? editNpy
      : editPickle();
  const { bytes, told } = edit(member.data, random);
  member.data = bytes;
  return `${member.name}: ${told}`;
}

function editRecords(members: Member[], at: number, random: Random): string {
  const member = members[at];
  const { name } = member;
  switch (random.int(0, 5)) {
    case 0: {
      const [place] = random.pick(FIELDS);
      member.lies.set(place, Math.trunc(edgeNumber(random, member.data.length)));
      return `${name}: byte ${place} of its record is ${member.lies.get(place)}`;
    }
    case 1:
      member.name = edgeText(random);
      return `${name} renamed`;
    case 2:
      members.splice(at, 1);
      return `${name} removed`;
    case 3:
      members.push({ ...member });
      return `${name} doubled`;
    case 4:
      member.deflated = !member.deflated;
      return `${name} deflated or stored`;
    default: {
      // Small in the file, large outside.
      const size = random.pick([1e4, 1e6, 1e7]);
      Object.assign(member, { data: new Uint8Array(size), deflated: true });
      return `${name} is ${size} zeros`;
    }
  }
}
