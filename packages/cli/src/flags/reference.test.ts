import { expect, it } from "vitest";
import { commands } from "../commands/index.js";
import { commandReference } from "./reference.js";

it("the documentation lists every command as it is declared", async () => {
  const page = commandReference(commands);
  await expect(page).toMatchFileSnapshot("../../../../docs/commands.md");
});
