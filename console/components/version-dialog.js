// To another version of what is installed: upgrade, downgrade, roll back, or deploy once more.
import { call, installedPath } from "../api.js";
import { hub } from "../commands.js";
import { html, useState } from "../html.js";
import { compareVersions } from "../steps.js";
import { Ago } from "./ago.js";
import { ActionDialog } from "./dialog.js";
import { Choice } from "./inputs.js";
import { Older } from "./page.js";

/** @typedef {import("../types.js").Installation} Installation */

/**
 * The verb that fits a version: the API has one for newer ones and one for older ones. To the same version one upgrades,
 * where it was locked again.
 * @param {Installation} row @param {string} version
 */
const verbTo = (row, version) => (compareVersions(version, row.installed_version) < 0 ? "downgrade" : "upgrade");

/** @param {Installation} row @param {string} version @param {string} key */
function changeTo(row, version, key) {
  const verb = verbTo(row, version);
  const body = verb === "upgrade" ? { version } : { target_version: version };
  return call("POST", installedPath(row.canonical, `/${verb}`), { body, key });
}

/** Whether the last failure was this version's. @param {Installation} row @param {string} version */
export const failedBefore = (row, version) => row.failure_message?.startsWith(`${version} failed`) ?? false;

/** @param {Installation} row @param {string} version */
const commandTo = (row, version) => hub(verbTo(row, version), row.canonical, "--version", version, "--wait");

/**
 * @param {{row: Installation, versions: string[], first: string, title: string, confirm: string, onClose: () => void, onDone: () => void,
 *   more?: {hasOlder: boolean, older: () => void} | null}} props first: empty where no version is known yet; more: has further ones
 */
export function VersionDialog({ row, versions, first, title, confirm, onClose, onDone, more = null }) {
  const [chosen, setVersion] = useState(first);
  const version = chosen || versions[0] || "";
  const run = async (/** @type {string} */ key) => {
    await changeTo(row, version, key);
    onDone();
  };
  return html`
    <${ActionDialog} title=${title} confirm=${confirm} disabled=${!version} command=${commandTo(row, version)} run=${run} onClose=${onClose}>
      <p>From ${row.installed_version} to:</p>
      <${Choice} label="Version" value=${version} options=${versions} onChange=${setVersion} />
      ${more && html`<${Older} list=${more} what="versions" />`}
      ${failedBefore(row, version) && html`<div class="notice"><p><strong>${version} failed here.</strong> Try it again once its cause is mended.</p></div>`}
      <p class="quiet">
        The old runtime serves until the new one is ready.
        ${row.rollback_on_failure
          ? ` If ${version} does not start, ${version === row.installed_version ? "what runs now" : row.installed_version} comes back by itself.`
          : " It will not go back by itself: that is switched off in the settings."}
      </p>
    <//>
  `;
}

/** @param {{row: Installation, before: {version: string, at: string, whole: boolean}, onClose: () => void, onDone: () => void}} props */
export function RollBackDialog({ row, before, onClose, onDone }) {
  const run = async (/** @type {string} */ key) => {
    await (before.whole ? call("POST", installedPath(row.canonical, "/rollback"), { key }) : changeTo(row, before.version, key));
    onDone();
  };
  return html`
    <${ActionDialog}
      title=${`Roll back to ${before.version}`}
      confirm="Roll back"
      command=${before.whole ? hub("rollback", row.canonical, "--wait") : commandTo(row, before.version)}
      run=${run}
      onClose=${onClose}
    >
      <p>Version <strong>${before.version}</strong> comes back. It was last ready <${Ago} at=${before.at} />.</p>
      <p>
        ${before.whole
          ? "Config and tier come back too, as they were then."
          : `Config and tier stay as they are now. ${row.installed_version} serves until ${before.version} is ready.`}
      </p>
    <//>
  `;
}

/** @param {{row: Installation, onClose: () => void, onDone: () => void}} props */
export function DeployAgainDialog({ row, onClose, onDone }) {
  const run = async (/** @type {string} */ key) => {
    await call("POST", installedPath(row.canonical, "/deploy"), { body: {}, key });
    onDone();
  };
  return html`
    <${ActionDialog} title="Deploy again" confirm="Deploy again" command=${hub("deploy", row.canonical, "--wait")} run=${run} onClose=${onClose}>
      <p>${row.installed_version} starts anew, with the same config. The old runtime serves until the new one is ready.</p>
    <//>
  `;
}
