// What an installation's pods print, followed.
import { ApiError, call, installedPath } from "../api.js";
import { hub } from "../commands.js";
import { clock, exact } from "../format.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { Command } from "./command.js";
import { Tick } from "./inputs.js";
import { Problem, Section } from "./page.js";

/** @typedef {{at: string, pod: string, line: string}} Line */

const FOLLOW_MS = 1000;
const MORE_MS = 50;
const FAILED_MS = 4000;
const FIRST = 200;
// Older lines leave the page: a loud provider must not fill the browser's memory.
const MOST_SHOWN = 2000;

/** @param {{canonical: string}} props */
export function Logs({ canonical }) {
  const [previous, setPrevious] = useState(false);
  const { lines, notice, error } = useLines(canonical, previous);
  const several = new Set(lines.map((line) => line.pod)).size > 1;
  return html`
    <${Section} title="Logs" aside=${html`<${Tick} label="of the runs before" value=${previous} onChange=${setPrevious} />`}>
      ${error && html`<${Problem} error=${error} />`}
      <${Lines} lines=${lines} several=${several} />
      ${notice && html`<p class="quiet">${notice}</p>`}
      <${Command} text=${hub("logs", canonical, previous ? "--previous" : "-f")} />
    <//>
  `;
}

/** Keeps the last line in sight, unless somebody scrolled up to read. @param {{lines: Line[], several: boolean}} props */
function Lines({ lines, several }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const follows = useRef(true);
  useLayoutEffect(() => {
    if (box.current && follows.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  const scrolled = () => {
    const { scrollTop, clientHeight, scrollHeight } = /** @type {HTMLElement} */ (box.current);
    follows.current = scrollTop + clientHeight > scrollHeight - 40;
  };
  return html`
    <div class="logs" ref=${box} onScroll=${scrolled} tabindex="0" role="log" aria-label="Output of the pods">
      ${lines.map(
        (line, at) => html`
          <div key=${`${line.at} ${line.pod} ${at}`}>
            <time class="at" dateTime=${line.at} title=${exact(line.at)}>${clock(line.at)}</time>
            ${several && html`<span class="pod">${line.pod.slice(-5)}</span>`}
            <span class="text">${line.line}</span>
          </div>
        `,
      )}
      ${!lines.length && html`<div><span class="at">Nothing has been printed yet.</span></div>`}
    </div>
  `;
}

/** @param {string} canonical @param {boolean} previous */
function useLines(canonical, previous) {
  const [lines, setLines] = useState(/** @type {Line[]} */ ([]));
  const [notice, setNotice] = useState(/** @type {string | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  useEffect(() => {
    setLines([]);
    return follow(canonical, previous, (items, said) => {
      if (items.length) setLines((before) => [...before, ...items].slice(-MOST_SHOWN));
      setNotice(said);
      setError(null);
    }, setError);
  }, [canonical, previous]);
  return { lines, notice, error };
}

/**
 * @param {string} canonical @param {boolean} previous
 * @param {(items: Line[], notice: string | null) => void} tell @param {(error: ApiError) => void} fail
 * @returns {() => void} ends it
 */
function follow(canonical, previous, tell, fail) {
  const ending = new AbortController();
  let cursor = "";
  let timer = 0;

  async function ask() {
    if (document.hidden) return again(FOLLOW_MS);
    const query = new URLSearchParams(cursor ? { since: cursor } : { limit: String(FIRST) });
    if (previous) query.set("previous", "true");
    try {
      const answer = await call("GET", installedPath(canonical, `/logs?${query}`), { signal: ending.signal });
      if (ending.signal.aborted) return;
      cursor = answer.cursor ?? cursor;
      tell(answer.items, answer.notice ?? null);
      if (!previous || answer.more) again(answer.more ? MORE_MS : FOLLOW_MS);
    } catch (error) {
      if (ending.signal.aborted || !(error instanceof ApiError)) return;
      if (!error.passes && error.status !== 404) fail(error);
      again(FAILED_MS);
    }
  }

  /** @param {number} after */
  function again(after) {
    timer = setTimeout(ask, after);
  }

  ask();
  return () => {
    ending.abort();
    clearTimeout(timer);
  };
}
