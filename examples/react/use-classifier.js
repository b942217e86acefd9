import { load } from "onebit";
import { useEffect, useState } from "react";

/** A network from a URL: { model, progress from 0 to 1, error }. It is given back with the component. */
export function useClassifier(url) {
  const [state, setState] = useState({ progress: 0 });
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const progress = (loaded, total) => total && setState({ progress: loaded / total });
    let model;
    load(url, { cache: true, worker: true, progress, signal }).then(
      (loaded) => {
        model = loaded;
        if (signal.aborted) model.dispose();
        else setState({ model, progress: 1 });
      },
      (error) => signal.aborted || setState({ progress: 0, error }),
    );
    return () => {
      abort.abort();
      model?.dispose();
    };
  }, [url]);
  return state;
}
