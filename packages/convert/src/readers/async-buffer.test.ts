import { execFileSync } from "node:child_process";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { allocate, memoryBuffer, readRange } from "./async-buffer.js";
import { fileBuffer } from "./file-buffer.js";
import { openBuffer } from "./open-buffer.js";
import { openCheckpoint } from "./open-checkpoint.js";
import { expectations, expectTensor, fixture, refused } from "./test-support/checks.js";
import { urlBuffer } from "./url-buffer.js";

const content = Uint8Array.from({ length: 2_500_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);

describe("memory", () => {
  test("a slice is a copy: changing it leaves the buffer alone", async () => {
    const buffer = memoryBuffer(Uint8Array.of(1, 2, 3, 4));
    const part = await buffer.slice(1, 3);
    part[0] = 99;
    expect([...(await buffer.slice(0, 4))]).toEqual([1, 2, 3, 4]);
  });

  test("a range outside is an error that names what was read", async () => {
    const buffer = memoryBuffer(new Uint8Array(4));
    await refused(
      () => readRange(buffer, 2, 6, "the header"),
      /^the header should be at bytes 2 to 6/,
    );
    await refused(() => readRange(buffer, 3, 2, "x"), /bytes 3 to 2/);
    await refused(() => readRange(buffer, Number.NaN, 2, "x"), /NaN/);
  });
});

describe("file", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-"));
    await writeFile(join(folder, "data"), content);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("ranges, and nothing beyond the end", async () => {
    await using file = await fileBuffer(join(folder, "data"));
    expect(file.byteLength).toBe(content.length);
    expect(await file.slice(1000, 2000)).toEqual(content.slice(1000, 2000));
    expect(await file.slice(0, 0)).toEqual(new Uint8Array(0));
    expect((await file.slice(content.length - 3, content.length + 50)).length).toBe(3);
  });

  test("a file that shrinks while it is read is noticed", async () => {
    const path = join(folder, "shrinks");
    await writeFile(path, content);
    await using file = await fileBuffer(path);
    await truncate(path, 1000);
    await refused(() => readRange(file, 900, 1100, "a tensor"), /100 of 200 bytes/);
  });

  test("no file, a folder", async () => {
    await refused(
      () => openBuffer(join(folder, "absent")),
      /absent: cannot be opened: there is no such file/,
    );
    await refused(() => openBuffer(folder), /is not a file/);
  });

  test("a pipe is refused instead of waited for", async () => {
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    await refused(() => fileBuffer(path), /is not a file/);
  });

  test("a tensor larger than memory is refused, not attempted", () => {
    expect(() => allocate(2 ** 40, "w")).toThrow(/w has 1099511627776 bytes: too many/);
  });

  test("errors begin with the file's name, once", async () => {
    const path = join(folder, "short.pth");
    await writeFile(path, fixture("torch-zip.pth").subarray(0, 2000));
    await using file = await fileBuffer(path);
    await refused(() => openCheckpoint(file), new RegExp(`^${path}: zip`));
  });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

describe("URL", () => {
  let answer: Answer;
  let address: string;
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(String(request.headers.range));
    answer(request, response);
  });
  beforeAll(async () => {
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/net.pth?token=secret`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  afterEach(() => {
    requests.length = 0;
  });

  const serve =
    (file: Uint8Array, headers: Record<string, string> = {}): Answer =>
    (request, response) => {
      const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
      const end = Math.min(Number(last) + 1, file.length);
      response.writeHead(206, {
        "content-range": `bytes ${start}-${end - 1}/${file.length}`,
        etag: '"1"',
        ...headers,
      });
      response.end(file.subarray(Number(start), end));
    };

  test("ranges equal those of the file; small ones share a block", async () => {
    answer = serve(content);
    const buffer = await urlBuffer(address);
    expect(buffer.byteLength).toBe(content.length);
    const ranges = [
      [0, 10],
      [5000, 9000],
      [999_999, 1_300_000],
      [2_400_000, 2_500_000],
      [7, 7],
    ];
    for (const [start, end] of ranges) {
      expect(Buffer.compare(await buffer.slice(start, end), content.slice(start, end))).toBe(0);
    }
    // The size, one block for the first two, one range across blocks, one block at the end.
    expect(requests.length).toBe(4);
  });

  test("a checkpoint is read over the network", async () => {
    answer = serve(fixture("torch-zip.pth"));
    const { tensors } = await openCheckpoint(await urlBuffer(address));
    const expected = expectations("torch.json");
    await expectTensor(tensors.get("state_dict.transposed"), expected["state_dict.transposed"]);
    expect(requests.length).toBe(2);
  });

  test("concurrent reads", async () => {
    answer = serve(content);
    const buffer = await urlBuffer(address);
    const starts = Array.from({ length: 24 }, (_, i) => i * 100_000);
    const parts = await Promise.all(starts.map((start) => buffer.slice(start, start + 1000)));
    for (const [i, part] of parts.entries()) {
      expect(Buffer.compare(part, content.slice(starts[i], starts[i] + 1000))).toBe(0);
    }
  });

  test.each<[string, Answer, RegExp]>([
    [
      "ignores ranges",
      (_, r) => r.writeHead(200).end("all of it"),
      /ignores range requests.*download/,
    ],
    ["does not have it", (_, r) => r.writeHead(404, "Not Found").end(), /answered 404 Not Found/],
    ["says 416", (_, r) => r.writeHead(416).end(), /empty or became shorter/],
    ["sends no Content-Range", (_, r) => r.writeHead(206).end("x"), /the server sent none/],
    ["sends another range", serve(content, { "content-range": "bytes 5-5/100" }), /bytes 5-5\/100/],
    ["hides the size", serve(content, { "content-range": "bytes 0-0/*" }), /bytes 0-0\/\*/],
    ["lies about the size", serve(content, { "content-range": "bytes 0-0/0" }), /bytes 0-0\/0/],
    [
      "sends too much",
      (_, r) => r.writeHead(206, { "content-range": "bytes 0-0/9" }).end("xx"),
      /more than the 1 bytes/,
    ],
    [
      "sends too little",
      (_, r) => r.writeHead(206, { "content-range": "bytes 0-0/9" }).end(),
      /after 0 of 1 bytes/,
    ],
    ["hangs up", (_, r) => r.destroy(), /cannot be reached/],
  ])("a server that %s", async (_, wrong, message) => {
    answer = wrong;
    await refused(() => urlBuffer(address), message);
  });

  test("messages do not repeat the query, where tokens are", async () => {
    answer = (_, response) => response.writeHead(403).end();
    await refused(() => urlBuffer(address), /^http:\/\/127\.0\.0\.1:\d+\/net\.pth: the server/);
  });

  test("a file that changes meanwhile", async () => {
    answer = serve(content);
    const buffer = await urlBuffer(address);
    answer = serve(content, { etag: '"2"' });
    await refused(() => buffer.slice(0, 10), /changed while it was read/);
    answer = serve(content.slice(1));
    await refused(() => buffer.slice(0, 10), /changed while it was read/);
    answer = serve(content);
    expect(await buffer.slice(0, 10)).toEqual(content.slice(0, 10));
  });

  test("no server, no address, a signal", async () => {
    await refused(() => urlBuffer("http://127.0.0.1:1/x"), /cannot be reached/);
    await refused(() => urlBuffer("ftp://x/y"), /not an http or https/);
    answer = serve(content);
    const signal = AbortSignal.abort(new Error("stopped by the user"));
    await expect(urlBuffer(address, { signal })).rejects.toThrow("stopped by the user");
  });
});
