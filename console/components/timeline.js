// What happened to an installation, newest first.
import { html } from "../html.js";
import { Ago } from "./ago.js";
import { Reason } from "./reason.js";
import { State } from "./state.js";

/** @param {{events: import("../types.js").TimelineEvent[]}} props */
export function Timeline({ events }) {
  return html`
    <ol class="timeline" tabindex="0" aria-label="Timeline">
      ${events.map(
        (event) => html`
          <li key=${`${event.at} ${event.event}`}>
            <${Ago} at=${event.at} />
            <div>
              <strong>${event.event}</strong>
              ${event.to_state && event.to_state !== event.from_state && html` <${State} value=${event.to_state} />`}
              <span class="quiet"> · ${event.version} · by ${event.cause}</span>
              ${event.reason && html`<div class="reason"><${Reason} text=${event.reason} /></div>`}
            </div>
          </li>
        `,
      )}
    </ol>
  `;
}
