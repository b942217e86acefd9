import { webgpu } from "../runtime/backends/webgpu/index.js";
import { useSoftwareDriver } from "./software-driver.js";

/** Whether the WebGPU backend runs here, in software where there is no GPU. In CI it must. */
export async function webgpuHere(): Promise<boolean> {
  useSoftwareDriver();
  const reason = await webgpu.unavailable();
  if (reason === undefined) return true;
  if (process.env.CI) throw new Error(reason);
  console.log(`skipped: no WebGPU here (Debian: install chromium and libvulkan1): ${reason}`);
  return false;
}
