export {
  checkSchedule,
  learningRate,
  type Position,
  type ScheduleConfig,
  scheduleKinds,
} from "./learning-rate.js";
export {
  type Schedule,
  type Scheduled,
  type ScheduleSettings,
  type Schedules,
  schedulesOf,
} from "./schedules-of.js";
export { checkEndsBinary, type TemperatureConfig, temperature } from "./temperature.js";
