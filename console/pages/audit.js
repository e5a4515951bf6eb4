// The audit of the organization: who did what, and who was refused.
import { may, person } from "../auth.js";
import { hub } from "../commands.js";
import { ActorName } from "../components/actor.js";
import { Ago } from "../components/ago.js";
import { Command } from "../components/command.js";
import { Empty, Loaded, Page } from "../components/page.js";
import { html } from "../html.js";
import { usePolled } from "../poll.js";
import { place, setQuery } from "../router.js";

/** @typedef {import("../types.js").AuditEntry} AuditEntry */

const PAGE_SIZE = 50;
export const ACTIONS = [
  "version-published", "version-yanked", "version-unyanked", "relock-requested", "provider-edited", "provider-deleted", "scope-changed",
  "rollout-paused", "rollout-resumed", "publisher-added", "publisher-removed", "publishing-changed", "organization-suspended",
  "organization-resumed", "slug-released", "storage-allowed", "provenance-required", "refused",
];
const LEAD = "Who did what to what is your organization's, and who was refused, for 400 days.";

export function AuditPage() {
  // Whoever may not read it would be refused, and each refusal is an entry of the audit.
  if (!may("manage")) {
    return html`<${Page} title="Audit" lead=${LEAD}><${Empty}>Your role is ${person.value?.role}: the audit takes admin.<//><//>`;
  }
  return html`<${Entries} />`;
}

function Entries() {
  const { query } = place.value;
  const [action, token] = [query.get("action") ?? "", query.get("page_token") ?? ""];
  const wanted = new URLSearchParams({ limit: String(PAGE_SIZE), ...(action && { action }), ...(token && { page_token: token }) });
  const polled = usePolled(`/organizations/me/audit?${wanted}`);
  return html`
    <${Page} title="Audit" lead=${LEAD}>
      <div class="filters">
        <label>What
          <select value=${action} onChange=${(/** @type {any} */ event) => setQuery({ action: event.target.value })}>
            <option value="">anything</option>
            ${ACTIONS.map((one) => html`<option value=${one} selected=${one === action}>${one.replace("-", " ")}</option>`)}
          </select>
        </label>
      </div>
      <${Loaded} polled=${polled} lines=${12}>
        ${(/** @type {import("../types.js").AuditPage} */ page) => html`
          ${page.items.length ? html`<ul class="list card">${page.items.map((entry) => html`<${Entry} key=${entry.id} entry=${entry} />`)}</ul>` : html`<${Nothing} action=${action} />`}
          ${(token || page.next_page_token) &&
          html`<nav class="turn" aria-label="Pages of the audit">
            <button type="button" class="button" aria-disabled=${!token} onClick=${() => token && setQuery({ action })}>Newest</button>
            <button type="button" class="button" aria-disabled=${!page.next_page_token}
              onClick=${() => page.next_page_token && setQuery({ action, page_token: page.next_page_token })}>Older</button>
          </nav>`}
        `}
      <//>
      <${Command} text=${hub("audit", action && "--action", action)} />
    <//>
  `;
}

/** @param {{action: string}} props */
const Nothing = ({ action }) =>
  action
    ? html`<${Empty} link=${html`<button type="button" class="button" onClick=${() => setQuery({})}>Show everything</button>`}>There is no such entry.<//>`
    : html`<${Empty} command=${hub("publish", "dist/my_provider-1.0.0-py3-none-any.whl")}>
        Nothing is recorded yet: publishing, yanking, changes of publishers and refusals will be.
      <//>`;

/** @param {{entry: AuditEntry}} props */
const Entry = ({ entry }) => html`
  <li>
    <div>
      <strong class=${entry.action === "refused" ? "bad" : ""}>${entry.action.replace("-", " ")}</strong> <span class="mono">${entry.subject}</span>
      ${entry.detail && html`<div>${entry.detail}</div>`}
      <div class="quiet">by <${ActorName} entry=${entry} />${entry.address && html` from <span class="mono">${entry.address}</span>`}</div>
    </div>
    <span class="quiet"><${Ago} at=${entry.at} /></span>
  </li>
`;
