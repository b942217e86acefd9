/**
 * What pages load only where they ask for a cache, a worker or a stream. Together: for every module that is
 * loaded apart, bundlers split those that it shares with others into more files.
 */
export { arriveCached } from "../cache/cached-source.js";
export { framesOf } from "./stream.js";
export { makerInWorker } from "./worker/load-in-worker.js";
