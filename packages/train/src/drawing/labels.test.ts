import { expect, it } from "vitest";
import { labels } from "./labels.js";

it("stand where there is room, and nowhere else", () => {
  const at = (name: string, x: number, y: number) => ({ name, x, y });
  const [free, beside, crowded] = labels(
    [at("free", 300, 100), at("right", 80, 50), at("cccccccc", 84, 50)],
    400,
  );
  expect(free).toContain(">free<");
  // Another point lies where its name would stand first.
  expect(beside).toContain('x="57"');
  expect(crowded).toContain(">cccccccc<");
  const pile = Array.from({ length: 12 }, (_, i) => at(`p${i}`, 100, 100));
  expect(labels(pile, 400).filter(Boolean)).toHaveLength(4);
});
