// A version's way to the installations that take upgrades by themselves: its waves, and what came of them.
import { call, providerPath } from "../api.js";
import { html, useState } from "../html.js";
import { Ago } from "./ago.js";
import { ActionDialog } from "./dialog.js";
import { RightButton } from "./layout.js";
import { State } from "./state.js";

/** @typedef {import("../types.js").Rollout} Rollout */

const WAVES = ["one", "a tenth", "the rest"];
/** @type {Record<string, string>} */
const MEANS = {
  waiting: "The release is too young yet.",
  running: "Upgrades are under way.",
  baking: "The wave is through; the next one begins when the version has run for a while.",
  superseded: "A newer version took its place.",
  done: "It has reached everybody it could.",
};

/** @param {{canonical: string, rollout: Rollout, refresh: () => void}} props */
export function RolloutCard({ canonical, rollout, refresh }) {
  const [open, setOpen] = useState(false);
  return html`
    <article class="rollout">
      <div class="card-head">
        <h3 class="mono">${rollout.version}</h3>
        <${State} value=${rollout.state} />
      </div>
      <ol class="waves" aria-label="Waves">
        ${WAVES.map((label, at) => html`<li class=${waveState(rollout, at + 1)} key=${label}>Wave ${at + 1}: ${label}</li>`)}
      </ol>
      <p>${rollout.halted_reason ?? MEANS[rollout.state]}</p>
      <dl class="counts">
        ${[["take upgrades", rollout.candidates], ["started", rollout.started], ["ready", rollout.succeeded], ["failed", rollout.failed], ["left it", rollout.left]].map(
          ([label, count]) => html`<div><dt>${label}</dt><dd>${count}</dd></div>`,
        )}
      </dl>
      <p class="quiet">Began <${Ago} at=${rollout.created_at} />${rollout.due_at && html` · goes on <${Ago} at=${rollout.due_at} />`}</p>
      ${rollout.state === "halted" && html`<div><${RightButton} needs="publish" class="small" onClick=${() => setOpen(true)}>Resume<//></div>`}
      ${open && html`<${ResumeDialog} canonical=${canonical} rollout=${rollout} onClose=${() => setOpen(false)} onDone=${refresh} />`}
    </article>
  `;
}

/** @param {Rollout} rollout @param {number} wave */
function waveState(rollout, wave) {
  if (rollout.state === "done" || wave < rollout.wave) return "done";
  if (wave > rollout.wave) return "";
  return rollout.state === "halted" ? "halted" : rollout.state === "superseded" ? "" : "running";
}

/** @param {{canonical: string, rollout: Rollout, onClose: () => void, onDone: () => void}} props */
function ResumeDialog({ canonical, rollout, onClose, onDone }) {
  const path = providerPath(canonical, `/rollouts/${encodeURIComponent(rollout.version)}/resume`);
  const run = async (/** @type {string} */ key) => {
    await call("POST", path, { key });
    onDone();
  };
  return html`
    <${ActionDialog} title=${`Resume the rollout of ${rollout.version}`} confirm="Resume" run=${run} onClose=${onClose}
      command=${`curl -X POST "$HUB_API_URL${path}" -H "Authorization: Bearer $HUB_TOKEN"`}>
      <p>It was halted: ${rollout.halted_reason}</p>
      <p>It goes on where it stopped, and halts again if as many fail.</p>
    <//>
  `;
}
