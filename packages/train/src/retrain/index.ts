export { type Retrained, type RetrainOptions, retrainOnData } from "./retrain-on-data.js";
