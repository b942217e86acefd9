import { runConformance, subjectsHere } from "../../packages/core/dist/conformance/index.js";
import { VERSION } from "../../packages/core/dist/version.js";

// ?convolutions=N&networks=N&faults=N: more, or less, of it.
const asked = new URLSearchParams(location.search);
const count = (name, usual) => Number(asked.get(name) ?? usual);

try {
  const { subjects, reasons } = await subjectsHere();
  const result = await runConformance({
    subjects,
    convolutions: count("convolutions", 3200),
    networks: count("networks", 300),
    faults: count("faults", 10),
    progress: (doing, fraction) => postMessage({ doing, fraction }),
  });
  postMessage({ result: { version: VERSION, passedOver: reasons, ...result } });
} catch ({ message }) {
  postMessage({ failed: message });
}
