export {
  checkSchedule,
  learningRate,
  type Position,
  type ScheduleConfig,
  type ScheduleKind,
  scheduleKinds,
} from "./learning-rate.js";
export { checkEndsBinary, type TemperatureConfig, temperature } from "./temperature.js";
