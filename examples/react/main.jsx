// npx vite examples
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { useClassifier } from "./use-classifier.js";

const NETWORK = new URL("../../models/fashion-mnist.onebit", import.meta.url).href;

function App() {
  const { model, progress, error } = useClassifier(NETWORK);
  const [answer, setAnswer] = useState("");

  async function ask({ target }) {
    try {
      const [best] = await model.classify(target.files[0], { top: 1 });
      setAnswer(`${best.label}, ${(100 * best.probability).toFixed(0)} %`);
    } catch ({ message }) {
      setAnswer(message);
    }
  }

  return (
    <main>
      <h1>Clothing</h1>
      {error ? <p role="alert">{error.message}</p> : null}
      {model || error ? null : <progress value={progress} aria-label="loading" />}
      <p>
        <label>
          Picture: <input type="file" accept="image/*" disabled={!model} onChange={ask} />
        </label>
      </p>
      <p role="status">{answer}</p>
    </main>
  );
}

createRoot(document.querySelector("#app")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
