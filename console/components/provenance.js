// Where a version came from: the CI run that a platform vouched for, or whose stored token it was.
import { html } from "../html.js";

/** @type {Record<string, string>} */
const TOKENS = { machine: "a machine's stored token", user: "a person", platform: "the platform's own CI" };

/** @param {{by: Record<string, string | null>}} props */
export function Provenance({ by }) {
  if (by.kind !== "trusted_publisher") return html`<dt>Published by</dt><dd>${TOKENS[by.kind ?? ""] ?? by.kind}</dd>`;
  return html`
    <dt>Published by</dt>
    <dd>
      <strong>${by.repository}</strong> <span class="mono">${by.workflow ?? "a file that was not recorded"}${by.called_workflow && ` calls ${by.called_workflow}`}</span>
      <div class="quiet">
        ${by.ref && html`<span class="mono">${by.ref}</span>`}
        ${by.commit && html` at <span class="mono" title=${by.commit}>${by.commit.slice(0, 12)}</span>`}
        ${by.actor && html` by ${by.actor}`}${by.environment && html`, environment ${by.environment}`}
      </div>
      ${by.run_url?.startsWith("https://") && html`<a href=${by.run_url} rel="noopener noreferrer" target="_blank">The run</a>`}
    </dd>
    <dt>Vouched for by</dt><dd class="mono">${by.issuer}</dd>
  `;
}
