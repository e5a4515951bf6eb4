// The frame of a page, and what stands in it while there is nothing else to show.
import { forget } from "../api.js";
import { html, useEffect } from "../html.js";
import { Command } from "./command.js";

/** @param {{title: string, of?: string, lead?: any, actions?: any, children?: any}} props */
export function Page({ title, of = "", lead = null, actions = null, children }) {
  useEffect(() => {
    document.title = `${[title, of].filter(Boolean).join(" · ")} · Provider Hub`;
  }, [title, of]);
  return html`
    <div class="page-head">
      <div>
        <h1 tabindex="-1">${title}</h1>
        ${lead && html`<div class="lead">${lead}</div>`}
      </div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </div>
    ${children}
  `;
}

/** A part of a page with a heading. @param {{title: string, aside?: any, class?: string, children?: any}} props */
export function Section({ title, aside = null, class: name = "", children }) {
  return html`
    <section class=${`card ${name}`} aria-label=${title}>
      <div class="card-head"><h2>${title}</h2>${aside}</div>
      ${children}
    </section>
  `;
}

/** Keeps the place of lines that are still being fetched. @param {{lines?: number, height?: string}} props */
export function Skeleton({ lines = 3 }) {
  return html`
    <div class="skeleton" role="status" aria-label="Loading">
      ${Array.from({ length: lines }, (_, at) => html`<span class=${`bone bone-${at % 3}`} key=${at}></span>`)}
    </div>
  `;
}

/** Why something was refused or did not come, and what to do. @param {{error: import("../api.js").ApiError, retry?: () => void}} props */
export function Problem({ error, retry }) {
  return html`
    <div class="problem" role="alert">
      <p><strong>${error.message}</strong></p>
      ${error.complaints?.length > 0 &&
      html`<ul>${error.complaints.map((complaint) => html`<li><code>${complaint.place}</code> ${complaint.message}</li>`)}</ul>`}
      ${error.advice && html`<p>${error.advice}</p>`}
      ${retry && html`<button type="button" class="button" onClick=${retry}>Try again</button>`}
    </div>
  `;
}

/**
 * Above what was answered before, while it cannot be asked for again. That the hub is gone stands at the foot already.
 * @param {{error: import("../api.js").ApiError | null}} props
 */
export const Stale = ({ error }) =>
  error && error.status !== 0 ? html`<p class="notice" role="status">${error.message} What is shown may be out of date.</p>` : null;

/** Nothing is there yet: what it would be, and the command that makes the first. @param {{children?: any, command?: string, link?: any}} props */
export function Empty({ children, command = "", link = null }) {
  return html`
    <div class="empty">
      <p>${children}</p>
      ${link}
      ${command && link && html`<p class="quiet">or in a terminal:</p>`}
      ${command && html`<${Command} text=${command} />`}
    </div>
  `;
}

/** For the pages of a list that are not all there. @param {{list: {hasOlder: boolean, older: () => void}, what: string}} props */
export const Older = ({ list, what }) =>
  list.hasOlder ? html`<div><button type="button" class="button small" onClick=${list.older}>Older ${what}</button></div>` : null;

/**
 * The data once it is there, below what is wrong with it by now, else a skeleton or the reason.
 * @param {{polled: {data: any, error: any, refresh: () => void}, lines?: number, children: (data: any) => any}} props
 */
export function Loaded({ polled: { data, error, refresh }, lines = 3, children }) {
  if (data !== null) return html`<${Stale} error=${error} />${children(data)}`;
  const again = () => {
    forget();
    refresh();
  };
  return error ? html`<${Problem} error=${error} retry=${again} />` : html`<${Skeleton} lines=${lines} />`;
}
