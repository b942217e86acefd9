import { describe, expect, it } from "vitest";
import type { ObservationEvent } from "../run/events.js";
import { type Report, reportHtml, watchedLayersOf } from "./index.js";

const report: Report = {
  title: "a <b> & c",
  summary: "what & why",
  facts: [{ name: "top-1", value: "91.5 %", note: "held out" }],
  curves: [{ title: "loss", xLabel: "epoch", x: [1, 2], series: [{ name: "it's", y: [2, null] }] }],
  confusion: {
    classes: ["cat", "dog"],
    counts: [
      [8, 2],
      [0, 9],
    ],
  },
  layers: [{ name: "conv1", op: "binary-conv", macs: 1000, binaryMacs: 750, bytes: 42 }],
  latency: [{ engine: "onebit wasm", threads: 1, medianMs: 0.5, p5Ms: 0.4, p95Ms: 0.75 }],
  samples: [
    {
      picture: "data:image/png;base64,AA==",
      truth: "cat",
      top: [{ label: "dog", probability: 0.6 }],
    },
  ],
  provenance: { command: "npm start", note: "</script>" },
};

describe("report", () => {
  it("shows everything that it was given", async () => {
    const html = await reportHtml(report);
    for (const text of [
      "91.5 %",
      "cat taken for dog: 2",
      "75 %",
      "0.500",
      "dog 60 %",
      "npm start",
    ]) {
      expect(html).toContain(text);
    }
    expect(html).toContain("<title>a &lt;b&gt; &amp; c</title>");
    expect(html).toMatch(/<figure class="wrong">/);
  });

  it("keeps data inside attributes and scripts", async () => {
    const html = await reportHtml(report);
    const [, curve] = /data-curve="([^"]*)"/.exec(html)!;
    const decoded = curve.replaceAll("&quot;", '"').replaceAll("&#39;", "'");
    expect(JSON.parse(decoded)).toEqual(report.curves![0]);
    const [, json] = /id="provenance">(.*?)<\/script>/.exec(html)!;
    expect(JSON.parse(json)).toEqual(report.provenance);
  });

  it("shows control and bidirectional characters of names, and sends none", async () => {
    const [sample] = report.samples!;
    const truth = "\u202ecat\x1b[2J\x9b";
    const html = await reportHtml({ ...report, title: "a\u2066", samples: [{ ...sample, truth }] });
    expect(html).toContain("<b>\\u202ecat\\x1b[2J\\x9b</b>");
    expect(html).toContain("<title>a\\u2066</title>");
    expect(html).not.toContain(truth);
  });

  it("stands alone: nothing is loaded from anywhere", async () => {
    const html = await reportHtml(report);
    expect(html).not.toMatch(/(src|href)="(?!data:)/);
    expect(html).not.toMatch(/@import|url\((?!data:)/);
  });
});

describe("layers that were watched", () => {
  const seen = (step: number): ObservationEvent => ({
    ...{ event: "observation", epoch: 1, step, since: step - 1 },
    layers: {
      stem: { gradientNorm: step },
      "<conv>": { flipRate: 0.25, saturation: 0.5, deadSigns: step === 1000 ? 1 : 0 },
    },
  });

  it("have a row each, with every figure that they have", async () => {
    const watched = watchedLayersOf([seen(1), seen(2)]);
    const html = await reportHtml({ ...report, watched });
    const rows = html.match(/<tr>.*?<\/tr>/g)!.filter((row) => /stem|&lt;conv/.test(row));
    const text = rows.map((row) =>
      row.replace(/<svg.*?<\/svg>/g, "~").replaceAll(/<\/?t[rd]>/g, "|"),
    );
    expect(text[0]).toContain("||stem||||||||~ 2.00||||");
    expect(text[1]).toContain("||&lt;conv&gt;||~ 25.0 %||~ 50.0 %||~ 0.00 %||||||");
    expect(html).toContain("Over steps 1 to 2");
  });

  it("are shown at some of many steps, the last among them", () => {
    const all = Array.from({ length: 1000 }, (_, i) => seen(i + 1));
    const { steps, layers } = watchedLayersOf(all)!;
    expect(steps.length).toBeLessThanOrEqual(90);
    expect(steps.length).toBeGreaterThan(45);
    expect(steps.at(-1)).toBe(1000);
    const conv = layers.find(({ name }) => name === "<conv>")!;
    expect(conv.figures.deadSigns).toEqual([...Array(steps.length - 1).fill(0), 1]);
    expect(watchedLayersOf([])).toBeUndefined();
  });

  it("stand below what was found wrong", async () => {
    const html = await reportHtml({ ...report, warnings: ["Epoch 2: dead signs before <a>"] });
    expect(html).toContain("<li>Epoch 2: dead signs before &lt;a&gt;</li>");
  });
});
