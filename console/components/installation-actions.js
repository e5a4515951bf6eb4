// The buttons of an installation, and the dialog that each opens.
import { html, useRef, useState } from "../html.js";
import { configSchemaOf } from "../schema.js";
import { compareVersions, wayBack } from "../steps.js";
import { Dialog } from "./dialog.js";
import { RightButton } from "./layout.js";
import { Problem } from "./page.js";
import { SettingsDialog } from "./settings-form.js";
import { UninstallDialog } from "./uninstall-dialog.js";
import { DeployAgainDialog, failedBefore, RollBackDialog, VersionDialog } from "./version-dialog.js";

/** @typedef {import("../types.js").Installation} Installation */

/**
 * What an answer of the API has come to. @template T
 * @typedef {{data: T | null, error: import("../api.js").ApiError | null}} Asked
 */

/**
 * @param {{row: Installation, versions: ReturnType<typeof import("../versions.js").useVersions>, own: Asked<import("../types.js").Version>,
 *   events: import("../types.js").TimelineEvent[], refresh: () => void}} props own: the installed version
 */
export function InstallationActions({ row, versions, own, events, refresh }) {
  const [open, setOpen] = useState("");
  if (row.lifecycle_state === "deleting") return null;
  const published = (versions.data ?? []).filter((one) => one.status === "published").map((one) => one.version);
  const before = wayBack(row, events, published);
  const newer = published.filter((one) => compareVersions(one, row.installed_version) > 0);
  const older = published.filter((one) => compareVersions(one, row.installed_version) < 0);
  // What else is newer, such as a release candidate, is for who looks for it.
  const best = row.latest_version && newer.includes(row.latest_version) ? row.latest_version : "";
  const shared = { row, onClose: () => setOpen(""), onDone: refresh };
  const opens = (/** @type {string} */ name) => () => setOpen(name);
  return html`
    ${newer.length > 0 && html`<${RightButton} needs="manage" class=${best && !failedBefore(row, best) ? "primary" : ""} onClick=${opens("upgrade")}>${best ? `Upgrade to ${best}` : "Newer versions"}<//>`}
    ${row.relock_available && html`<${RightButton} needs="manage" onClick=${opens("relock")}>Take the new lock<//>`}
    ${before && html`<${RightButton} needs="manage" onClick=${opens("rollback")}>Roll back to ${before.version}<//>`}
    ${(older.length > 0 || versions.hasOlder) && html`<${RightButton} needs="manage" onClick=${opens("downgrade")}>Downgrade<//>`}
    <${RightButton} needs="manage" onClick=${opens("deploy")}>Deploy again<//>
    <${RightButton} needs="manage" onClick=${opens("settings")}>Settings<//>
    <${RightButton} needs="manage" class="danger" onClick=${opens("uninstall")}>Uninstall<//>
    ${open === "upgrade" && html`<${VersionDialog} ...${shared} versions=${newer} first=${best || newer[0]} title="Upgrade" confirm="Upgrade" />`}
    ${open === "relock" && html`<${VersionDialog} ...${shared} versions=${[row.installed_version]} first=${row.installed_version} title="Take the new lock" confirm="Upgrade" />`}
    ${open === "downgrade" && html`<${VersionDialog} ...${shared} versions=${older} first=${older[0] ?? ""} more=${versions} title="Downgrade" confirm="Downgrade" />`}
    ${open === "rollback" && before && html`<${RollBackDialog} ...${shared} before=${before} />`}
    ${open === "deploy" && html`<${DeployAgainDialog} ...${shared} />`}
    ${open === "settings" && html`<${Settings} ...${shared} own=${own} />`}
    ${open === "uninstall" && html`<${UninstallDialog} ...${shared} />`}
  `;
}

/**
 * The form is made from the installed version's schema, so it opens once that is known: what somebody typed into another
 * would be lost. From then on it stays, whichever version is installed meanwhile.
 * @param {{row: Installation, own: Asked<import("../types.js").Version>, onClose: () => void, onDone: () => void}} props
 */
function Settings({ row, own, onClose, onDone }) {
  const opened = useRef(/** @type {{row: Installation, schema: import("../types.js").JsonSchema | null} | null} */ (null));
  // A version that is not there any more has no schema; one that could not be asked for may have.
  if (!opened.current && own.data) opened.current = { row, schema: configSchemaOf(own.data) };
  if (!opened.current && own.error?.status === 404) opened.current = { row, schema: null };
  if (opened.current) return html`<${SettingsDialog} ...${opened.current} now=${row} onClose=${onClose} onDone=${onDone} />`;
  return own.error && html`<${Dialog} title="Change settings" onClose=${onClose}><${Problem} error=${own.error} /><//>`;
}
