// Events that no consumer could handle: look, mend the cause, then put them back.
import { call } from "../api.js";
import { hub } from "../commands.js";
import { Ago } from "../components/ago.js";
import { Command } from "../components/command.js";
import { ActionDialog, Dialog } from "../components/dialog.js";
import { RightButton } from "../components/layout.js";
import { Empty, Loaded, Page } from "../components/page.js";
import { counted } from "../format.js";
import { html, useState } from "../html.js";
import { SETTLED_MS, usePolled } from "../poll.js";

/** @typedef {import("../types.js").DeadLetter} DeadLetter */

export function DeadLettersPage() {
  const polled = usePolled("/ops/dead-letter", () => SETTLED_MS);
  const [open, setOpen] = useState("");
  const any = (polled.data ?? []).length > 0;
  const close = () => setOpen("");
  return html`
    <${Page} title="Dead letters" lead="Events that could not be handled within ten tries."
      actions=${any && html`
        <${RightButton} needs="manage" onClick=${() => setOpen("retry")}>Retry all<//>
        <${RightButton} needs="manage" class="danger" onClick=${() => setOpen("delete")}>Delete all<//>
      `}>
      <${Loaded} polled=${polled} lines=${4}>
        ${(/** @type {DeadLetter[]} */ letters) =>
          letters.length
            ? html`<ul class="list card">${letters.map((letter) => html`<${Letter} key=${letter.id} letter=${letter} refresh=${polled.refresh} />`)}</ul>`
            : html`<${Empty}>There is none: everything that was asked for was handled.<//>`}
      <//>
      <${Command} text=${hub("dead-letters", "list")} />
      ${open === "retry" &&
      html`<${ActionDialog} title="Retry all" confirm="Retry all" command=${hub("dead-letters", "retry", "--all")} onClose=${close}
        run=${async (/** @type {string} */ key) => { await call("POST", "/ops/dead-letter/retry-all", { key }); polled.refresh(); }}>
        <p>${counted(polled.data.length, "event")} go back to where they came from. What is out of date by now changes nothing.</p>
      <//>`}
      ${open === "delete" &&
      html`<${ActionDialog} title="Delete all" confirm="Delete all" danger command=${hub("dead-letters", "delete", "--all")} onClose=${close}
        run=${async () => { await call("DELETE", "/ops/dead-letter?all=true"); polled.refresh(); }}>
        <p>${counted(polled.data.length, "event")} are forgotten: what they asked for will not happen.</p>
      <//>`}
    <//>
  `;
}

/** @param {{letter: DeadLetter, refresh: () => void}} props */
function Letter({ letter, refresh }) {
  const [open, setOpen] = useState("");
  const close = () => setOpen("");
  const path = `/ops/dead-letter/${encodeURIComponent(letter.id)}`;
  const run = (/** @type {"POST" | "DELETE"} */ method, /** @type {string} */ target) => async (/** @type {string} */ key) => {
    await call(method, target, method === "POST" ? { key } : {});
    refresh();
  };
  return html`
    <li data-row>
      <div>
        <strong>${letter.event_type}</strong> for <span class="mono">${letter.provider ?? "an unknown provider"}</span>
        <div>${letter.error_message}</div>
        <div class="quiet">${counted(letter.attempt_count, "try", "tries")}, the last <${Ago} at=${letter.failed_at} /></div>
      </div>
      <div class="buttons">
        <button type="button" class="button small" onClick=${() => setOpen("look")}>Look</button>
        <${RightButton} needs="manage" class="small" onClick=${() => setOpen("retry")}>Retry<//>
        <${RightButton} needs="manage" class="small danger" onClick=${() => setOpen("delete")}>Delete<//>
      </div>
      ${open === "look" &&
      html`<${Dialog} title=${letter.event_type} wide onClose=${close}>
        <pre class="scroll mono" tabindex="0" aria-label="The event's message">${JSON.stringify(letter.payload, null, 2)}</pre>
        <div class="dialog-foot">
          <${Command} text=${hub("dead-letters", "show", letter.id)} />
          <div class="buttons"><button type="button" class="button" onClick=${close}>Close</button></div>
        </div>
      <//>`}
      ${open === "retry" &&
      html`<${ActionDialog} title="Retry this event" confirm="Retry" said="It is on its way again." command=${hub("dead-letters", "retry", letter.id)} run=${run("POST", `${path}/retry`)} onClose=${close}>
        <p>It goes back to where it came from. What is out of date by now changes nothing.</p>
        <p class="quiet">${letter.error_message}: if that still holds, it comes back here.</p>
      <//>`}
      ${open === "delete" &&
      html`<${ActionDialog} title="Delete this event" confirm="Delete" danger said="It is deleted." command=${hub("dead-letters", "delete", letter.id)} run=${run("DELETE", path)} onClose=${close}>
        <p>It is forgotten: what it asked for will not happen.</p>
      <//>`}
    </li>
  `;
}
