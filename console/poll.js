// Data that is asked for again and again while a page shows it, and by no page that nobody looks at.
import { call, ApiError } from "./api.js";
import { useEffect, useRef, useState } from "./html.js";

/** Between two requests while something moves, and when all is settled. */
export const MOVING_MS = 1000;
export const SETTLED_MS = 15_000;
const LONGEST_WAIT_MS = 8000;

/**
 * The answer to a GET, kept up to date. The last good answer stays while a later request fails.
 * @template T
 * @param {string | null} path null asks for nothing yet
 * @param {(content: T) => number} [pause] milliseconds to the next request; Infinity for no other
 * @param {(path: string, signal: AbortSignal) => Promise<T>} [read] how it is asked for, where one GET is not all of it
 * @returns {{data: T | null, error: ApiError | null, refresh: () => void}}
 */
export function usePolled(path, pause = () => Infinity, read = get) {
  const [state, setState] = useState(() => ({ path, data: /** @type {T | null} */ (null), error: /** @type {any} */ (null) }));
  const [asked, setAsked] = useState(0);
  const pauseNow = useRef(pause);
  pauseNow.current = pause;
  const readNow = useRef(read);
  readNow.current = read;

  useEffect(() => {
    if (path === null) return undefined;
    return keepAsking((ending) => readNow.current(path, ending), pauseNow, (change) =>
      setState((old) => {
        const before = old.path === path ? old : { path, data: null, error: null };
        const after = { ...before, ...change };
        return after.data === before.data && after.error === before.error && old.path === path ? old : after;
      }),
    );
  }, [path, asked]);

  const current = state.path === path ? state : { data: null, error: null };
  return { data: current.data, error: current.error, refresh: () => setAsked((times) => times + 1) };
}

/** @param {string} path @param {AbortSignal} signal */
const get = (path, signal) => call("GET", path, { signal });

/**
 * @param {(ending: AbortSignal) => Promise<any>} read
 * @param {{current: (content: any) => number}} pause
 * @param {(change: {data?: any, error: ApiError | null}) => void} tell
 * @returns {() => void} ends it
 */
function keepAsking(read, pause, tell) {
  const ending = new AbortController();
  let timer = 0;
  let failures = 0;
  let due = false;

  async function ask() {
    due = false;
    try {
      const content = await read(ending.signal);
      if (ending.signal.aborted) return;
      failures = 0;
      tell({ data: content, error: null });
      again(pause.current(content));
    } catch (error) {
      if (ending.signal.aborted || !(error instanceof ApiError)) return;
      failures += 1;
      tell({ error });
      again(error.passes ? Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures) : SETTLED_MS);
    }
  }

  /** @param {number} after milliseconds */
  function again(after) {
    if (after === Infinity) return;
    timer = setTimeout(() => {
      due = document.hidden;
      if (!due) ask();
    }, after);
  }

  const shown = () => {
    if (!document.hidden && due) ask();
  };
  document.addEventListener("visibilitychange", shown, { signal: ending.signal });
  ask();
  return () => {
    ending.abort();
    clearTimeout(timer);
  };
}

/** How soon to look at an installation again. @param {{lifecycle_state: string}} row */
export const pauseOf = (row) => (isMoving(row) ? MOVING_MS : SETTLED_MS);

/** Whether something is being done to an installation. @param {{lifecycle_state: string}} row */
export const isMoving = (row) => ["pending", "processing", "deleting"].includes(row.lifecycle_state);
