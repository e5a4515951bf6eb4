// The steps of the present change, with the seconds that each took or takes.
import { html } from "../html.js";
import { presentChange } from "../steps.js";
import { Took } from "./ago.js";
import { Section } from "./page.js";
import { Reason } from "./reason.js";

/** @type {Record<string, [string, string]>} */
const MARKS = { done: ["good", "✓"], running: ["busy", "◐"], failed: ["bad", "✕"], waiting: ["waiting", "○"] };

/**
 * @param {{row: import("../types.js").Installation, events: import("../types.js").TimelineEvent[],
 *   deployment: import("../types.js").Deployment | null}} props
 */
export function Steps({ row, events, deployment }) {
  const { title, began, steps } = presentChange(row, events);
  const ended = steps[steps.length - 1].to;
  return html`
    <${Section} title=${title} aside=${began && html`<${Took} from=${began} to=${ended} />`}>
      <div aria-live="polite" class="steps-room">
        <ol class="steps">
          ${steps.map((step) => {
            const [tone, mark] = MARKS[step.state];
            const note = step.note || (step.state === "running" ? deployment?.message ?? "" : "");
            return html`
              <li class=${step.state} key=${step.label}>
                <span class=${`dot ${tone}`} aria-hidden="true">${mark}</span>
                <span>${step.label}<span class="unseen"> ${step.state}</span></span>
                ${step.from && step.state !== "waiting" && (step.to || step.state === "running")
                  ? html`<${Took} from=${step.from} to=${step.to} />`
                  : html`<span></span>`}
                ${note && html`<div class="note"><${Reason} text=${note} /></div>`}
              </li>
            `;
          })}
        </ol>
      </div>
    <//>
  `;
}
