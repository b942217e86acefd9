import { readdir, writeFile } from "node:fs/promises";
import { load } from "onebit";
import { beforeAll, expect, it } from "vitest";
import {
  paramsOf,
  smallNetwork,
  symbolText,
} from "../../../convert/src/importers/test-support/bmxnet-network.js";
import { temporaryFolder } from "../test-support/folder.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const network = smallNetwork();

beforeAll(async () => {
  await writeFile(path("net-0001.params"), paramsOf(network));
  await writeFile(path("lone-0001.params"), paramsOf(network));
  await writeFile(path("net-symbol.json"), symbolText(network));
});

it("finds the symbol beside the parameters and packs the network", async () => {
  const output = path("net.onebit");
  const size = ["--input", "3x8x8"];
  const result = await onebitJson("import", path("net-0001.params"), "-o", output, ...size);
  expect(result).toMatchObject({
    ...{ family: "bmxnet", classes: 3, binary: true, input: [3, 8, 8] },
    ...{ binaryParameters: 64 * 64 * 10, ignored: ["bn_data_gamma"], output },
  });
  using model = await load(output, { backend: "reference" });
  expect(model.info.classes).toBe(3);
});

it("keeps it as a float model, with the symbol named", async () => {
  const symbol = ["--symbol", path("net-symbol.json")];
  const output = path("net.safetensors");
  const { status, stdout } = await onebit(
    ...["import", path("lone-0001.params"), "-o", output, ...symbol],
  );
  expect(status).toBe(0);
  expect(stdout).toMatch(/bmxnet, widths 64, 3 classes/);
});

it("refuses parameters whose network is nowhere, and leaves nothing behind", async () => {
  const args = ["import", path("lone-0001.params"), "-o", path("lone.onebit")];
  const { status, stderr } = await onebit(...args);
  expect(status).toBe(1);
  expect(stderr).toMatch(/lone-symbol\.json: .*Name its -symbol\.json/);
  expect(await readdir(path())).not.toContain("lone.onebit");
});
