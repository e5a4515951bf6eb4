// A version: where its bytes come from, what it runs on, and what changed.
import { providerPath } from "../api.js";
import { counted, size } from "../format.js";
import { html } from "../html.js";
import { usePolled } from "../poll.js";
import { Advisories, countedAdvisories } from "./advisories.js";
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
    ${version.advisory_count ? html`<${VersionAdvisories} version=${version} />` : null}
    ${version.changelog && html`<h3>What changed</h3><p class="reason">${version.changelog}</p>`}
  `;
}

/**
 * How many there are, as a list of versions says; each of them once the version itself was asked for.
 * @param {{version: import("../types.js").Version}} props
 */
function VersionAdvisories({ version }) {
  const { data } = usePolled(providerPath(version.canonical, `/versions/${encodeURIComponent(version.version)}`));
  const whole = /** @type {import("../types.js").Version | null} */ (data);
  if (whole?.advisories?.length) return html`<${Advisories} advisories=${whole.advisories} />`;
  const severity = version.advisory_severity ?? "unknown";
  return html`<p class="notice">${countedAdvisories(version.advisory_count ?? 0)} of its dependencies, the worst of severity ${severity}</p>`;
}
