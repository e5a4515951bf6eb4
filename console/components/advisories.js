// Known vulnerabilities of what a version locks: how many, and each with what mends it.
import { counted } from "../format.js";
import { html } from "../html.js";

/** @typedef {import("../types.js").Advisory} Advisory */

/** @param {number} count */
export const countedAdvisories = (count) => counted(count, "known vulnerability", "known vulnerabilities");

/** @param {{advisories: Advisory[] | null | undefined, mendedBy?: string | null}} props */
export function Advisories({ advisories, mendedBy }) {
  if (!advisories?.length) return null;
  return html`
    <details class="notice">
      <summary>${countedAdvisories(advisories.length)} of its dependencies${mendedBy && html`; <span class="mono">${mendedBy}</span> mends them`}</summary>
      <ul>
        ${advisories.map(
          (one) => html`
            <li key=${`${one.package} ${one.id}`}>
              <span class="mono">${one.id}</span> in ${one.package} ${one.version} (${one.severity ?? "severity unknown"})${one.summary && `: ${one.summary}`}${one.fixed_in && `. Fixed in ${one.fixed_in}.`}
            </li>
          `,
        )}
      </ul>
    </details>
  `;
}
