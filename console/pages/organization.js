// The organization, and what the person who is signed in may do in it.
import { may, person, signIn } from "../auth.js";
import { Ago } from "../components/ago.js";
import { Loaded, Page, Section } from "../components/page.js";
import { State } from "../components/state.js";
import { html } from "../html.js";
import { usePolled } from "../poll.js";

/** @typedef {import("../types.js").Organization} Organization */

const RIGHTS = [
  ["read", "Read what is the organization's own, config included"],
  ["publish", "Publish, yank, edit a provider, resume a rollout"],
  ["manage", "Install, change, uninstall; retry and delete dead letters"],
];

export function OrganizationPage() {
  const polled = usePolled("/organizations/me");
  const me = usePolled("/auth/me");
  const who = person.value;
  return html`
    <${Page} title="Organization" actions=${html`<button type="button" class="button" onClick=${() => signIn({ choose: true })}>Change organization</button>`}>
      <div class="columns">
        <${Section} title="Details">
          <${Loaded} polled=${polled} lines=${4}>
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
        <${Section} title="You">
          <${Loaded} polled=${me} lines=${4}>
            ${(/** @type {any} */ shown) => html`
              <dl class="facts">
                <dt>Id</dt><dd class="mono">${shown.user_id}</dd>
                <dt>Address</dt><dd>${shown.email ?? "not known"}</dd>
                <dt>Role</dt><dd>${who?.role ?? "none: everything is allowed"}</dd>
              </dl>
            `}
          <//>
          <ul class="rights">
            ${RIGHTS.map(
              ([right, label]) => html`
                <li class=${may(/** @type {any} */ (right)) ? "good" : "plain"}>
                  <span class="mark-of" aria-hidden="true">${may(/** @type {any} */ (right)) ? "✓" : "–"}</span>
                  <span class="unseen">${may(/** @type {any} */ (right)) ? "You may: " : "You may not: "}</span>${label}
                </li>
              `,
            )}
          </ul>
          <p class="quiet">Roles are given at the issuer where you signed in.</p>
        <//>
      </div>
    <//>
  `;
}
