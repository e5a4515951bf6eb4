// A version: where its bytes come from, what it runs on, and what changed.
import { counted, size } from "../format.js";
import { html } from "../html.js";
import { Advisories } from "./advisories.js";
import { Ago } from "./ago.js";
import { Provenance } from "./provenance.js";
import { State } from "./state.js";

/** @param {{version: import("../types.js").Version}} props */
export function VersionFacts({ version }) {
  return html`
    ${version.status === "yanked" &&
    html`<div class="problem"><p><strong>Yanked.</strong> ${version.error_message} What runs it stays; nobody can install it anew.</p></div>`}
    <dl class="facts">
      <dt>Status</dt><dd><${State} value=${version.status} /></dd>
      <dt>Published</dt><dd><${Ago} at=${version.published_at} /></dd>
      ${version.published_by && html`<${Provenance} by=${version.published_by} />`}
      ${(version.attestations ?? []).length > 0 && html`<dt>Attested</dt><dd>by that run, as verified when it was published</dd>`}
      <dt>Wheel</dt><dd class="mono">${version.wheel_filename ?? version.wheel_url}${version.wheel_size && ` (${size(version.wheel_size)})`}</dd>
      <dt>SHA-256</dt><dd class="mono">${version.wheel_sha256}</dd>
      <dt>Runtime</dt><dd class="mono">${version.runtime_version}</dd>
      ${typeof version.lock_packages === "number" && html`<dt>Locked</dt><dd>with ${counted(version.lock_packages, "dependency", "dependencies")}</dd>`}
      ${version.requires_python && html`<dt>Python</dt><dd class="mono">${version.requires_python}</dd>`}
    </dl>
    <${Advisories} advisories=${version.advisories} />
    ${version.changelog && html`<h3>What changed</h3><p class="reason">${version.changelog}</p>`}
  `;
}
