// Uninstalling, and what may stand in its way.
import { call, installedPath } from "../api.js";
import { hub } from "../commands.js";
import { html, useState } from "../html.js";
import { ActionDialog } from "./dialog.js";
import { Tick } from "./inputs.js";

/** @param {{row: import("../types.js").Installation, onClose: () => void, onDone: () => void}} props */
export function UninstallDialog({ row, onClose, onDone }) {
  const [cascade, setCascade] = useState(false);
  const run = async () => {
    await call("DELETE", installedPath(row.canonical, cascade ? "?cascade=true" : ""));
    onDone();
  };
  // 409: the runtime reports resources that it manages, and says how many.
  const refused = (/** @type {import("../api.js").ApiError} */ error) =>
    error.status === 409 &&
    html`<${Tick} label="Give these resources up: nothing will manage them any more" value=${cascade} onChange=${setCascade} />`;
  return html`
    <${ActionDialog}
      title=${`Uninstall ${row.canonical}`}
      confirm="Uninstall"
      danger
      command=${hub("uninstall", row.canonical, cascade && "--cascade", "--wait")}
      run=${run}
      refused=${refused}
      onClose=${onClose}
    >
      <p>Its runtime stops, and its objects, config and timeline are removed. The provider stays in the catalog.</p>
      <p class="quiet">Refused while its runtime reports resources that it manages.</p>
    <//>
  `;
}
