// A provider's versions, of which the API gives a hundred at a time.
import { call, providerPath } from "./api.js";
import { useRef } from "./html.js";
import { usePolled } from "./poll.js";

/** @typedef {import("./types.js").Version} Version */

const PAGE = 100;

/**
 * The newest hundred versions, kept up to date, and as many older ones as somebody asks for.
 * @param {string} canonical @param {() => number} [pause] as `usePolled` takes it
 * @returns {{data: Version[] | null, error: import("./api.js").ApiError | null, refresh: () => void, hasOlder: boolean, older: () => void}}
 */
export function useVersions(canonical, pause) {
  const pages = useRef(1);
  const polled = usePolled(providerPath(canonical, "/versions"), pause, (path, signal) => readPages(path, pages.current, signal));
  const older = () => {
    pages.current += 1;
    polled.refresh();
  };
  return { ...polled, hasOlder: (polled.data?.length ?? 0) >= pages.current * PAGE, older };
}

/** @param {string} path @param {number} most pages @param {AbortSignal} signal @returns {Promise<Version[]>} */
async function readPages(path, most, signal) {
  const newest = await call("GET", path, { signal });
  const found = [newest];
  while (found.length < most && found[found.length - 1].length === PAGE) {
    found.push(await call("GET", `${path}?offset=${found.length * PAGE}`, { signal }));
  }
  // The very same answer is the very same object, so that nothing is drawn anew.
  return found.length === 1 ? newest : found.flat();
}
