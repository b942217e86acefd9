import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { meanModel } from "../test-support/mean-model.js";
import { fetchShared as fetched } from "./fetch-shared.js";

let bytes: Uint8Array;
let server: Server;
let origin: string;
/** Ranges that were asked for, "" for all. */
let asked: string[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

/** Breaks off after so many bytes of what it has to send. */
function breakOff(response: ServerResponse, body: Uint8Array, after: number): void {
  response.write(body.subarray(0, after), () => setTimeout(() => response.destroy(), 20));
}

interface FlakyOptions {
  readonly tag?: string | ((request: number) => string);
  readonly ranges?: boolean;
  /** Requests that break off after 100 bytes. */
  readonly breaks: number;
}

/** A server whose first answers break off. */
function flaky({ tag, ranges = true, breaks }: FlakyOptions): typeof answer {
  return ({ headers }, response) => {
    const number = asked.length;
    const [, start = "0"] = /^bytes=(\d+)-$/.exec(headers.range ?? "") ?? [];
    const from = ranges ? Number(start) : 0;
    const body = bytes.subarray(from);
    if (tag) response.setHeader("etag", typeof tag === "string" ? tag : tag(number));
    response.setHeader("content-length", body.length);
    if (from) {
      response.setHeader("content-range", `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
    }
    response.writeHead(from ? 206 : 200);
    if (number <= breaks) breakOff(response, body, 100);
    else response.end(body);
  };
}

beforeAll(async () => {
  bytes = await meanModel();
  server = createServer((request, response) => {
    asked.push(request.headers.range ?? "");
    answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  asked = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const fetchShared = async (...args: Parameters<typeof fetched>) => (await fetched(...args)).bytes;
const isWhole = (read: Uint8Array) => Buffer.from(read).equals(bytes);

describe("a transfer that breaks off", () => {
  it("is taken up where it broke", async () => {
    answer = flaky({ tag: '"a"', breaks: 2 });
    const seen: number[] = [];
    const read = await fetchShared(`${origin}/x`, { progress: (loaded) => seen.push(loaded) });
    expect(isWhole(read)).toBe(true);
    expect(asked).toEqual(["", "bytes=100-", "bytes=200-"]);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it.each<[string, FlakyOptions, string[]]>([
    ["nothing tells versions apart", { breaks: 1 }, ["", ""]],
    ["the server knows no ranges", { tag: '"a"', ranges: false, breaks: 1 }, ["", "bytes=100-"]],
  ])("begins again where %s", async (_, options, ranges) => {
    answer = flaky(options);
    expect(isWhole(await fetchShared(`${origin}/x`))).toBe(true);
    expect(asked).toEqual(ranges);
  });

  it("is not mended with another version of the file", async () => {
    answer = flaky({ tag: (number) => `"${number}"`, breaks: 1 });
    expect(isWhole(await fetchShared(`${origin}/x`))).toBe(true);
    expect(asked).toEqual(["", "bytes=100-", ""]);
  });

  it("begins again where bytes come compressed, which ranges count otherwise", async () => {
    const packed = gzipSync(bytes);
    answer = (_, response) => {
      const head = { "content-encoding": "gzip", etag: '"a"', "content-length": packed.length };
      response.writeHead(200, head);
      if (asked.length === 1) breakOff(response, packed, 60);
      else response.end(packed);
    };
    expect(isWhole(await fetchShared(`${origin}/x`))).toBe(true);
    expect(asked).toEqual(["", ""]);
  });

  it("is given up after the fourth time, and says how far it came", async () => {
    answer = flaky({ tag: '"a"', breaks: 9 });
    await expect(fetchShared(`${origin}/x`)).rejects.toThrow(/broke off after 400 of \d+ bytes: ./);
    expect(asked).toHaveLength(4);
  });

  it("is none where the file is there, whatever else was announced", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-length": bytes.length + 50 });
      breakOff(response, bytes, bytes.length);
    };
    expect(isWhole(await fetchShared(`${origin}/x`))).toBe(true);
    expect(asked).toHaveLength(1);
  });

  it("stops at once when its signal says so", async () => {
    answer = flaky({ tag: '"a"', breaks: 9 });
    const controller = new AbortController();
    setTimeout(() => controller.abort("enough"), 100);
    const reading = fetchShared(`${origin}/x`, { signal: controller.signal });
    await expect(reading).rejects.toBe("enough");
  });
});

describe("progress", () => {
  it("has the total before the first byte, where the server says it", async () => {
    answer = flaky({ breaks: 0 });
    const seen: [number, number | undefined][] = [];
    await fetchShared(`${origin}/x`, { progress: (...told) => seen.push(told) });
    expect(seen[0]).toEqual([0, bytes.length]);
    expect(seen.at(-1)).toEqual([bytes.length, bytes.length]);
  });
});

describe("several at once", () => {
  it("share a transfer, and each hears of it", async () => {
    answer = (_, response) => setTimeout(() => response.end(bytes), 50);
    const ends: number[] = [];
    const progress = (loaded: number) => ends.push(loaded);
    const reads = [1, 2, 3].map(() => fetchShared(`${origin}/x`, { progress }));
    const [first, ...others] = await Promise.all(reads);
    expect(isWhole(first)).toBe(true);
    for (const other of others) expect(other).toBe(first);
    expect(ends.filter((loaded) => loaded === bytes.length)).toHaveLength(3);
    expect(asked).toHaveLength(1);
    await fetchShared(`${origin}/x`);
    expect(asked).toHaveLength(2);
  });

  it("go on when one of them stops; the last one ends it", async () => {
    let closed = false;
    answer = (_, response) => {
      response.on("close", () => {
        closed = true;
      });
      response.write(bytes.subarray(0, 100));
    };
    const [one, two] = [new AbortController(), new AbortController()];
    const reads = [one, two].map(({ signal }) =>
      fetchShared(`${origin}/x`, { signal }).catch((reason: unknown) => reason),
    );
    one.abort("one");
    expect(await reads[0]).toBe("one");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(closed).toBe(false);
    two.abort("two");
    expect(await reads[1]).toBe("two");
    await expect.poll(() => closed).toBe(true);
  });

  it("are not disturbed by what the progress of one of them throws", async () => {
    answer = (_, response) => setTimeout(() => response.end(bytes), 50);
    const broken = () => {
      throw new RangeError("its own");
    };
    const reads = [fetchShared(`${origin}/x`, { progress: broken }), fetchShared(`${origin}/x`)];
    await expect(reads[0]).rejects.toThrow(new RangeError("its own"));
    expect(isWhole(await reads[1])).toBe(true);
    expect(asked).toHaveLength(1);
  });

  it("fail together", async () => {
    answer = (_, response) => response.writeHead(410).end();
    const reads = [1, 2].map(() => fetchShared(`${origin}/x`));
    for (const read of reads) await expect(read).rejects.toThrow(/the server answers 410/);
    expect(asked).toHaveLength(1);
  });
});
