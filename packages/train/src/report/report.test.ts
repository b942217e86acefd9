import { describe, expect, it } from "vitest";
import { type Report, reportHtml } from "./index.js";

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
