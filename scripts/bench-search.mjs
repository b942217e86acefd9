/**
 * npm run bench:search: the ten nearest of 50,000 vectors of 1,024 numbers, as bits and as floats, on every
 * backend in turns. Milliseconds of a query: median, 5th and 95th percentile.
 */
import { cpus } from "node:os";
import { openSearch, SEARCH_BACKENDS } from "onebit/search";

const COUNT = 50_000;
const WIDTH = 1024;
const NEAREST = 10;
const WARM_UP = 20;
const ROUNDS = 101;

let state = 1;
/** xorshift32. */
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

const names = Array.from({ length: COUNT }, (_, i) => String(i));
const facts = { names, width: WIDTH };
const zero = { thresholds: new Float32Array(WIDTH) };
const bits = Uint8Array.from({ length: (COUNT * WIDTH) / 8 }, () => 256 * random());
const floats = Float32Array.from({ length: COUNT * WIDTH }, () => (2 * random() - 1) / 18.5);
const indices = [
  { form: "bits", ...facts, ...zero, vectors: bits },
  { form: "floats", ...facts, vectors: floats },
];

console.log(`${cpus()[0].model}, Node ${process.version}, one thread`);
for (const index of indices) {
  const searches = [];
  for (const backend of SEARCH_BACKENDS) {
    try {
      searches.push(await openSearch(index, { backend }));
    } catch (error) {
      console.log(`${backend}: ${error.message}`);
    }
  }
  const times = searches.map(() => []);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const query = Float32Array.from({ length: WIDTH }, () => 2 * random() - 1);
    searches.forEach((search, i) => {
      // A slow one is asked less often.
      if (search.backend === "reference" && round % 10) return;
      const start = performance.now();
      search.nearest(query, NEAREST);
      if (round >= 0) times[i].push(performance.now() - start);
    });
  }
  searches.forEach(({ backend }, i) => {
    const sorted = times[i].sort((a, b) => a - b);
    const at = (share) => sorted[Math.floor(share * (sorted.length - 1))].toFixed(3);
    console.log(
      `${index.form.padEnd(7)}${backend.padEnd(10)}${at(0.5)} ms (${at(0.05)} to ${at(0.95)})`,
    );
  });
}
