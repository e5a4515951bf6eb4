// The buttons of an installation, and the dialog that each opens.
import { html, useState } from "../html.js";
import { configSchemaOf } from "../schema.js";
import { compareVersions, wayBack } from "../steps.js";
import { RightButton } from "./layout.js";
import { SettingsDialog } from "./settings-form.js";
import { UninstallDialog } from "./uninstall-dialog.js";
import { DeployAgainDialog, failedBefore, RollBackDialog, VersionDialog } from "./version-dialog.js";

/** @typedef {import("../types.js").Installation} Installation */

/**
 * `versions` is null until they are known: the settings' form is made from the installed one's schema, and what somebody
 * typed into it before would be lost.
 *
 * @param {{row: Installation, versions: import("../types.js").Version[] | null, events: import("../types.js").TimelineEvent[], refresh: () => void}} props
 */
export function InstallationActions({ row, versions, events, refresh }) {
  const [open, setOpen] = useState("");
  if (row.lifecycle_state === "deleting") return null;
  const before = wayBack(row, events);
  const known = versions ?? [];
  const published = known.filter((one) => one.status === "published").map((one) => one.version);
  const newer = published.filter((one) => compareVersions(one, row.installed_version) > 0);
  const older = published.filter((one) => compareVersions(one, row.installed_version) < 0);
  const best = row.latest_version && newer.includes(row.latest_version) ? row.latest_version : newer[0];
  const own = known.find((one) => one.version === row.installed_version);
  const shared = { row, onClose: () => setOpen(""), onDone: refresh };
  const opens = (/** @type {string} */ name) => () => setOpen(name);
  return html`
    ${newer.length > 0 && html`<${RightButton} needs="manage" class=${failedBefore(row, best) ? "" : "primary"} onClick=${opens("upgrade")}>Upgrade to ${best}<//>`}
    ${row.relock_available && html`<${RightButton} needs="manage" onClick=${opens("relock")}>Take the new lock<//>`}
    ${before && html`<${RightButton} needs="manage" onClick=${opens("rollback")}>Roll back to ${before.version}<//>`}
    ${older.length > 0 && html`<${RightButton} needs="manage" onClick=${opens("downgrade")}>Downgrade<//>`}
    <${RightButton} needs="manage" onClick=${opens("deploy")}>Deploy again<//>
    <${RightButton} needs="manage" onClick=${opens("settings")}>Settings<//>
    <${RightButton} needs="manage" class="danger" onClick=${opens("uninstall")}>Uninstall<//>
    ${open === "upgrade" && html`<${VersionDialog} ...${shared} versions=${newer} first=${best} title="Upgrade" confirm="Upgrade" />`}
    ${open === "relock" && html`<${VersionDialog} ...${shared} versions=${[row.installed_version]} first=${row.installed_version} title="Take the new lock" confirm="Upgrade" />`}
    ${open === "downgrade" && html`<${VersionDialog} ...${shared} versions=${older} first=${older[0]} title="Downgrade" confirm="Downgrade" />`}
    ${open === "rollback" && before && html`<${RollBackDialog} ...${shared} before=${before} />`}
    ${open === "deploy" && html`<${DeployAgainDialog} ...${shared} />`}
    ${open === "settings" && versions && html`<${SettingsDialog} ...${shared} key=${own?.version ?? ""} schema=${own ? configSchemaOf(own) : null} />`}
    ${open === "uninstall" && html`<${UninstallDialog} ...${shared} />`}
  `;
}
