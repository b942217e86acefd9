/** What a page has no use for until something fails: in one file, which is fetched then. */
export { LOADED, unknownKind, wrongKind } from "../file/wrong-kind.js";
export { imageWords, tensorWords } from "../runtime/input-words.js";
