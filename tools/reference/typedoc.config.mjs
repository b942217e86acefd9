import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (place) => fileURLToPath(new URL(`../../${place}`, import.meta.url));

/** What users can import, as source; packages without exports have nothing for them. */
const entryPoints = readdirSync(path("packages")).flatMap((folder) => {
  const { exports = {} } = JSON.parse(
    readFileSync(path(`packages/${folder}/package.json`), "utf8"),
  );
  const sources = Object.values(exports).map((conditions) => conditions["onebit-source"]);
  return sources.map((source) => path(`packages/${folder}/${source}`));
});

export default {
  name: "onebit",
  tsconfig: "tsconfig.json",
  plugin: ["typedoc-plugin-markdown"],
  entryPoints: [...new Set(entryPoints)],
  out: path("build/reference"),
  readme: "none",
  disableSources: true,
  treatWarningsAsErrors: true,
};
