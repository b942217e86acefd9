import { existsSync } from "node:fs";

/** A software Vulkan driver that comes with Chromium: correct, and slow. */
const DRIVERS = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
];

/** Has WebGPU in this process use it, where it is there. Before anything loads WebGPU. */
export function useSoftwareDriver(): void {
  const driver = DRIVERS.find(existsSync);
  if (driver) process.env.VK_ICD_FILENAMES ??= driver;
  process.env.XDG_RUNTIME_DIR ??= "/tmp";
}
