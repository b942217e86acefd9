import { UsageError } from "../errors.js";

const HUGGING_FACE = "https://huggingface.co";

/**
 * The URL that a short address stands for; other text as it is. UsageError for one that is empty or not complete.
 *
 *   hf:OWNER/NAME/FILE            a file of a model on Hugging Face, FILE may lie in folders
 *   hf:OWNER/NAME/FILE@REVISION   of a branch, tag or commit; default: main
 */
export function resolveAddress(text: string): string {
  if (text === "") throw new UsageError("the address of the model is empty: give a URL");
  if (!text.startsWith("hf:")) return text;
  const [path, revision = "main", ...more] = text.slice(3).split("@");
  const [owner, name, ...file] = path.split("/");
  const parts = [owner, name, ...file, revision];
  if (more.length || !file.length || parts.some((part) => !part || /^\.\.?$/.test(part))) {
    throw new UsageError(
      `${text}: write hf:OWNER/NAME/FILE, with @REVISION where it is not main, such as hf:owner/bnext-t/model.onebit@v1`,
    );
  }
  const [at, where] = [[owner, name], file].map((names) => names.map(encodeURIComponent).join("/"));
  return `${HUGGING_FACE}/${at}/resolve/${encodeURIComponent(revision)}/${where}`;
}
