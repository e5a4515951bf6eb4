// Times and durations that go on by themselves.
import { serverNow } from "../api.js";
import { duration, exact, relative } from "../format.js";
import { html, signal, useEffect, useState } from "../html.js";

/** Now, as the page shows it: it goes on every 15 seconds. */
export const tick = signal(serverNow());
setInterval(() => {
  if (!document.hidden) tick.value = serverNow();
}, 15_000);

/** How long ago, with the exact time on hover. @param {{at: string | null}} props */
export function Ago({ at }) {
  if (!at) return html`<span class="quiet">never</span>`;
  return ago(at, Math.max(tick.value, serverNow()));
}

/** The same for a long list, whose rows are drawn again by the list itself. @param {string} at @param {number} now */
export function ago(at, now) {
  // Written when somebody points there: a thousand exact times cost more than all the rest of a thousand rows.
  const explain = (/** @type {any} */ event) => {
    event.currentTarget.title = exact(at);
  };
  return html`<time dateTime=${at} onPointerEnter=${explain}>${relative(at, now)}</time>`;
}

/** The seconds between two times; up to now, and counting, where the second is still to come. @param {{from: string, to: string | null}} props */
export function Took({ from, to }) {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (to) return undefined;
    const timer = setInterval(() => redraw((times) => times + 1), 100);
    return () => clearInterval(timer);
  }, [to]);
  const end = to ? Date.parse(to) : serverNow();
  return html`<span class="took">${duration(end - Date.parse(from))}</span>`;
}
