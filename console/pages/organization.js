// The organization: what each role may do in it, who acted, and what else publishes for it.
import { may, person } from "../auth.js";
import { hub } from "../commands.js";
import { KINDS } from "../components/actor.js";
import { Ago } from "../components/ago.js";
import { Command } from "../components/command.js";
import { Loaded, Page, Section } from "../components/page.js";
import { beginSignIn } from "../components/said.js";
import { State } from "../components/state.js";
import { StoredTokens } from "../components/trusted-publishers.js";
import { counted } from "../format.js";
import { html } from "../html.js";
import { usePolled } from "../poll.js";

/**
 * @typedef {import("../types.js").Organization} Organization
 * @typedef {import("../types.js").AuditEntry} AuditEntry
 */

const POLICY = "/organizations/me/publishing";
const MOST = 200;
/** What a right is for, and the roles that have it (docs/roles.md). @type {[string, string[]][]} */
const RIGHTS = [
  ["Read what is the organization's own, config included", ["member", "publisher", "admin"]],
  ["Publish, yank, edit a provider; pause, resume a rollout", ["publisher", "admin"]],
  ["Install, change, uninstall; dead letters; trusted publishers; the audit", ["admin"]],
];
const ROLES = ["member", "publisher", "admin"];

export function OrganizationPage() {
  const change = html`<button type="button" class="button" onClick=${() => beginSignIn({ choose: true })}>Change organization</button>`;
  return html`
    <${Page} title="Organization" lead=${person.value?.organizationName ?? ""} actions=${change}>
      <div class="columns">
        <div class="column"><${You} /><${Actors} /></div>
        <div class="column"><${Details} /><${Policy} /></div>
      </div>
    <//>
  `;
}

function Details() {
  const polled = usePolled("/organizations/me");
  return html`
    <${Section} title="Details">
      <${Loaded} polled=${polled} lines=${5}>
        ${(/** @type {Organization} */ organization) => html`
          <dl class="facts">
            <dt>Name</dt><dd>${organization.name}</dd>
            <dt>Slug</dt><dd class="mono">${organization.slug}</dd>
            <dt>Id</dt><dd class="mono">${organization.organization_id}</dd>
            <dt>Status</dt><dd><${State} value=${organization.status} /></dd>
            <dt>First seen</dt><dd><${Ago} at=${organization.created_at} /></dd>
          </dl>
        `}
      <//>
    <//>
  `;
}

function You() {
  const polled = usePolled("/auth/me");
  const role = person.value?.role ?? null;
  // An issuer that names no role leaves everything to everybody; a role that the hub does not know reads.
  const own = role === null ? "admin" : ROLES.includes(role) ? role : "member";
  return html`
    <${Section} title="You, and your role">
      <${Loaded} polled=${polled} lines=${3}>
        ${(/** @type {any} */ shown) => html`
          <dl class="facts">
            <dt>Id</dt><dd class="mono">${shown.user_id}</dd>
            <dt>Address</dt><dd>${shown.email ?? "not known"}</dd>
            <dt>Role</dt><dd>${role ?? "none: everything is allowed"}</dd>
          </dl>
        `}
      <//>
      <div class="scroll" tabindex="0" role="group" aria-label="What each role may do">
        <table class="matrix">
          <thead><tr><th scope="col">May</th>${ROLES.map((one) => html`<th scope="col" class=${one === own ? "own" : ""}>${one}${one === own && html`<span class="unseen">, yours</span>`}</th>`)}</tr></thead>
          <tbody>
            ${RIGHTS.map(
              ([label, roles]) => html`
                <tr>
                  <td>${label}</td>
                  ${ROLES.map((one) => {
                    const has = roles.includes(one);
                    return html`<td class=${`${one === own ? "own" : ""} ${has ? "good" : "plain"}`}><span aria-hidden="true">${has ? "✓" : "–"}</span><span class="unseen">${has ? "yes" : "no"}</span></td>`;
                  })}
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
      <p class="quiet">Roles are given at the issuer where you signed in, a machine's scopes with its token.</p>
    <//>
  `;
}

function Actors() {
  const polled = usePolled(may("manage") ? `/organizations/me/audit?limit=${MOST}` : null);
  if (!may("manage")) return null;
  return html`
    <${Section} title="Who acted" aside=${html`<a href="#/audit">The audit</a>`}>
      <p class="quiet">People and machines' tokens, by what they published, changed or were refused last. Who installed what is in its timeline.</p>
      <${Loaded} polled=${polled} lines=${4}>
        ${(/** @type {import("../types.js").AuditPage} */ page) =>
          page.items.length
            ? html`<ul class="list">${byActor(page.items).map(([last, count]) => html`<${Actor} key=${last.actor} last=${last} count=${count} />`)}</ul>`
            : html`<p>Nobody has yet.</p>`}
      <//>
      <${Command} text=${hub("audit")} />
    <//>
  `;
}

/** @param {{last: AuditEntry, count: number}} props */
const Actor = ({ last, count }) => html`
  <li>
    <div>
      <strong class="mono">${last.actor}</strong> <span class="quiet">${KINDS[last.actor_kind] ?? last.actor_kind}</span>
      <div>${last.action.replace("-", " ")} <span class="mono">${last.subject}</span></div>
    </div>
    <span class="quiet"><${Ago} at=${last.at} />, ${counted(count, "entry", "entries")}</span>
  </li>
`;

/** Each actor's last entry and how many there are. @param {AuditEntry[]} entries newest first @returns {[AuditEntry, number][]} */
function byActor(entries) {
  /** @type {Map<string, [AuditEntry, number]>} */
  const found = new Map();
  for (const entry of entries) {
    const [last, count] = found.get(entry.actor) ?? [entry, 0];
    found.set(entry.actor, [last, count + 1]);
  }
  return [...found.values()];
}

function Policy() {
  const polled = usePolled(POLICY);
  return html`
    <${Section} title="Publishing">
      <${Loaded} polled=${polled} lines=${2}>
        ${(/** @type {{secretless_only: boolean}} */ policy) => html`
          <${StoredTokens} only=${policy.secretless_only} path=${POLICY} whose="any provider of your organization" refresh=${polled.refresh}
            command=${(/** @type {string} */ setting) => hub("publishers", "secretless-only", setting, "--organization")} />
        `}
      <//>
      <p class="quiet">Workflows that publish are named at <a href="#/publishing">each provider</a>.</p>
    <//>
  `;
}
