// A provider from its publisher's side: how far each version has come, and taking one back.
import { call, providerPath } from "../api.js";
import { hub } from "../commands.js";
import { Ago } from "../components/ago.js";
import { ActionDialog } from "../components/dialog.js";
import { RightButton } from "../components/layout.js";
import { Loaded, Older, Page, Section } from "../components/page.js";
import { ACTIVE, RolloutCard } from "../components/rollout.js";
import { State } from "../components/state.js";
import { TrustedPublishers } from "../components/trusted-publishers.js";
import { counted, size } from "../format.js";
import { html, useState } from "../html.js";
import { canResume } from "../rollouts.js";
import { MOVING_MS, SETTLED_MS, usePolled } from "../poll.js";
import { useVersions } from "../versions.js";

/**
 * @typedef {import("../types.js").Version} Version
 * @typedef {import("../types.js").Rollout} Rollout
 */

/** @param {{parts: string[]}} props */
export function PublishedPage({ parts }) {
  const canonical = parts.join("/");
  const provider = usePolled(providerPath(canonical), () => SETTLED_MS);
  const versions = useVersions(canonical, () => SETTLED_MS);
  const rollouts = usePolled(providerPath(canonical, "/rollouts"), (/** @type {Rollout[]} */ found) =>
    found.some((one) => ACTIVE.includes(one.state)) ? MOVING_MS : SETTLED_MS,
  );
  if (provider.error?.status === 404) return html`<${NotYet} canonical=${canonical} />`;
  const installs = provider.data ? counted(provider.data.install_count, "organization") : "…";
  return html`
    <${Page} title=${canonical} of="Publishing" lead=${html`Installed by ${installs} · <a href=${`#/catalog/${canonical}`}>in the catalog</a>`}>
      <div class="columns">
        <div class="column">
          <${Section} title="Versions">
            <${Loaded} polled=${versions} lines=${5}>
              ${(/** @type {Version[]} */ found) =>
                html`<ul class="list">${found.map((version) => html`<${VersionRow} key=${version.version} version=${version} canonical=${canonical} refresh=${versions.refresh} />`)}</ul>
                  <${Older} list=${versions} what="versions" />`}
            <//>
          <//>
          <${TrustedPublishers} canonical=${canonical} />
        </div>
        <${Section} title="Rollouts">
          <${Loaded} polled=${rollouts} lines=${5}>
            ${(/** @type {Rollout[]} */ found) => html`
              ${!found.length && html`<p class="quiet">A new version is rolled out by itself to the installations that take upgrades. There was none yet.</p>`}
              ${found.map((rollout) => html`<${RolloutCard} key=${rollout.rollout_id} canonical=${canonical} rollout=${rollout} resumable=${canResume(rollout, found, versions.data ?? [])} refresh=${rollouts.refresh} />`)}
            `}
          <//>
        <//>
      </div>
    <//>
  `;
}

/** A name that nothing is published under; who may do it can be said before. @param {{canonical: string}} props */
const NotYet = ({ canonical }) => html`
  <${Page} title=${canonical} of="Publishing" lead="Nothing is published under this name yet.">
    <${TrustedPublishers} canonical=${canonical} />
  <//>
`;

/** @param {{version: Version, canonical: string, refresh: () => void}} props */
function VersionRow({ version, canonical, refresh }) {
  const [open, setOpen] = useState(false);
  const yanked = version.status === "yanked";
  return html`
    <li>
      <div>
        <strong class="mono">${version.version}</strong> <${State} value=${version.status} />
        <div class="quiet">
          <${Ago} at=${version.published_at} />${version.wheel_size && ` · ${size(version.wheel_size)}`} · <span class="mono">${version.wheel_sha256.slice(0, 12)}</span>
        </div>
        ${version.error_message && html`<div class="quiet">${version.error_message}</div>`}
      </div>
      ${(yanked || version.status === "published") &&
      html`<${RightButton} needs="publish" class="small" onClick=${() => setOpen(true)}>${yanked ? "Offer again" : "Yank"}<span class="unseen"> ${version.version}</span><//>`}
      ${open && html`<${YankDialog} canonical=${canonical} version=${version.version} yanked=${yanked} onClose=${() => setOpen(false)} onDone=${refresh} />`}
    </li>
  `;
}

/** @param {{canonical: string, version: string, yanked: boolean, onClose: () => void, onDone: () => void}} props */
function YankDialog({ canonical, version, yanked, onClose, onDone }) {
  const [reason, setReason] = useState("");
  const path = providerPath(canonical, `/versions/${encodeURIComponent(version)}/yank`);
  const run = async (/** @type {string} */ key) => {
    await (yanked ? call("DELETE", path) : call("POST", path, { body: { reason: reason || null }, key }));
    onDone();
  };
  const command = yanked ? hub("unyank", canonical, version) : hub("yank", canonical, version, reason && "--reason", reason);
  return html`
    <${ActionDialog} title=${`${yanked ? "Offer" : "Yank"} ${version}${yanked ? " again" : ""}`} confirm=${yanked ? "Offer again" : "Yank"}
      danger=${!yanked} command=${command} run=${run} onClose=${onClose}>
      ${yanked
        ? html`<p>${version} can be installed again, and is rolled out no further by that.</p>`
        : html`
            <p>Nobody can install or upgrade to ${version} any more. What runs it goes on running it.</p>
            <label>Reason
              <input value=${reason} maxlength="500" onInput=${(/** @type {any} */ event) => setReason(event.target.value)} />
              <span class="hint">Shown with the version, for those who run it.</span>
            </label>
          `}
    <//>
  `;
}
