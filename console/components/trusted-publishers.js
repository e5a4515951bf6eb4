// Who may publish a provider without a stored secret, and whether stored secrets still may.
import { call, providerPath } from "../api.js";
import { hub } from "../commands.js";
import { html, useState } from "../html.js";
import { SETTLED_MS, usePolled } from "../poll.js";
import { Ago } from "./ago.js";
import { Command } from "./command.js";
import { ActionDialog } from "./dialog.js";
import { RightButton } from "./layout.js";
import { Loaded, Section } from "./page.js";
import { AddPublisherDialog } from "./publisher-form.js";

/**
 * @typedef {import("../types.js").Publisher} Publisher
 * @typedef {import("../types.js").Publishers} Publishers
 */

/** @param {{canonical: string}} props */
export function TrustedPublishers({ canonical }) {
  const polled = usePolled(providerPath(canonical, "/publishers"), () => SETTLED_MS);
  const [adding, setAdding] = useState(false);
  const aside = html`<${RightButton} needs="manage" class="small" onClick=${() => setAdding(true)}>Add a workflow<//>`;
  return html`
    <${Section} title="Trusted publishers" aside=${aside}>
      <p class="quiet">A workflow of a repository publishes as itself: its CI stores no token that could be stolen.</p>
      <${Loaded} polled=${polled} lines=${4}>
        ${(/** @type {Publishers} */ found) => html`
          ${found.items.length
            ? html`<ul class="list">${found.items.map((one) => html`<${PublisherRow} key=${one.id} publisher=${one} canonical=${canonical} refresh=${polled.refresh} />`)}</ul>`
            : html`<p>No workflow publishes it yet.</p>`}
          <${StoredTokens} only=${found.secretless_only} byOrganization=${found.organization_secretless_only} path=${providerPath(canonical, "/publishers")}
            command=${(/** @type {string} */ setting) => hub("publishers", "secretless-only", canonical, setting)} whose=${canonical} refresh=${polled.refresh} />
        `}
      <//>
      <${Command} text=${hub("publishers", "list", canonical)} />
      ${adding && html`<${AddPublisherDialog} canonical=${canonical} onClose=${() => setAdding(false)} onDone=${polled.refresh} />`}
    <//>
  `;
}

/** @param {{publisher: Publisher, canonical: string, refresh: () => void}} props */
function PublisherRow({ publisher, canonical, refresh }) {
  const [open, setOpen] = useState(false);
  const limits = [publisher.environment && `environment ${publisher.environment}`, publisher.ref].filter(Boolean).join(" · ");
  const run = async () => {
    await call("DELETE", providerPath(canonical, `/publishers/${publisher.id}`));
    refresh();
  };
  return html`
    <li>
      <div>
        <strong>${publisher.repository}</strong> <span class="quiet">on ${publisher.platform === "github" ? "GitHub" : "GitLab"}</span>
        <div class="mono">${publisher.workflow}${publisher.called_workflow && ` calls ${publisher.called_workflow}`}</div>
        <div class="quiet">${limits ? `only ${limits}` : "any environment, any ref"} · last used <${Ago} at=${publisher.last_used_at} /></div>
      </div>
      <${RightButton} needs="manage" class="small danger" onClick=${() => setOpen(true)}>Remove<span class="unseen"> ${publisher.repository}</span><//>
      ${open &&
      html`<${ActionDialog} title="Remove this publisher" confirm="Remove" danger said="It publishes no more."
        command=${hub("publishers", "remove", canonical, publisher.id)} run=${run} onClose=${() => setOpen(false)}>
        <p>${publisher.workflow} of <strong>${publisher.repository}</strong> publishes ${canonical} no more. Versions that it published stay.</p>
        <p class="quiet">A token that was given to a run a moment ago is good for a quarter of an hour at most.</p>
      <//>`}
    </li>
  `;
}

/**
 * Whether machines' stored tokens may publish too, and the switch.
 * @param {{only: boolean, byOrganization?: boolean, path: string, command: (setting: string) => string, whose: string, refresh: () => void}} props
 *   byOrganization: shut out for every provider of the organization, whatever this one says
 */
export function StoredTokens({ only, byOrganization = false, path, command, whose, refresh }) {
  const [open, setOpen] = useState(false);
  const run = async () => {
    await call("PATCH", path, { body: { secretless_only: !only } });
    refresh();
  };
  return html`
    <div class="switch">
      <span>
        Secretless only: <strong>${only || byOrganization ? "on" : "off"}</strong>
        <span class="quiet"> ${byOrganization ? "for every provider of your organization" : only ? "stored tokens are refused" : "stored tokens publish too"}</span>
      </span>
      <${RightButton} needs="manage" class="small" onClick=${() => setOpen(true)}>${only ? "Switch off" : "Switch on"}<span class="unseen"> secretless only</span><//>
    </div>
    ${open &&
    html`<${ActionDialog} title=${`Switch secretless only ${only ? "off" : "on"}`} confirm=${only ? "Switch off" : "Switch on"}
      command=${command(only ? "off" : "on")} run=${run} onClose=${() => setOpen(false)}>
      <p>${only ? `Machines' stored tokens may publish ${whose} again.` : `Machines' stored tokens publish ${whose} no more: trusted publishers and people do.`}</p>
    <//>`}
  `;
}
