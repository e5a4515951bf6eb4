// Times and durations that go on by themselves.
import { serverNow } from "../api.js";
import { duration, exact, relative } from "../format.js";
import { html, signal, useEffect, useState } from "../html.js";

const tick = signal(serverNow());
setInterval(() => {
  if (!document.hidden) tick.value = serverNow();
}, 15_000);

/** How long ago, with the exact time on hover. @param {{at: string | null}} props */
export function Ago({ at }) {
  if (!at) return html`<span class="quiet">never</span>`;
  return html`<time dateTime=${at} title=${exact(at)}>${relative(at, Math.max(tick.value, serverNow()))}</time>`;
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
