// A version's way to the installations that take upgrades by themselves: its waves, and what came of them.
import { call, providerPath } from "../api.js";
import { hub } from "../commands.js";
import { html, useState } from "../html.js";
import { Ago } from "./ago.js";
import { ActionDialog } from "./dialog.js";
import { RightButton } from "./layout.js";
import { State } from "./state.js";

/** @typedef {import("../types.js").Rollout} Rollout */

const WAVES = ["one", "a tenth", "the rest"];
/** Those that take steps. */
export const ACTIVE = ["waiting", "running", "baking"];
const HELD = ["halted", "paused"];
/** @type {Record<string, string>} */
const MEANS = {
  waiting: "The release is too young yet.",
  running: "Upgrades are under way.",
  baking: "The wave is through; the next one begins when the version has run for a while.",
  paused: "It waits until somebody resumes it. What was under way went on.",
  superseded: "A newer version took its place.",
  done: "It has reached everybody it could.",
};

/** @param {{canonical: string, rollout: Rollout, resumable: boolean, refresh: () => void}} props */
export function RolloutCard({ canonical, rollout, resumable, refresh }) {
  const [open, setOpen] = useState("");
  const verb = ACTIVE.includes(rollout.state) ? "pause" : resumable ? "resume" : "";
  const Dialog = open === "pause" ? PauseDialog : ResumeDialog;
  return html`
    <article class="rollout">
      <div class="card-head">
        <h3 class="mono">${rollout.version}${rollout.lock_sha256 && " (locked again)"}</h3>
        <${State} value=${rollout.state} />
      </div>
      ${rollout.state === "done" && !rollout.candidates ? html`<p class="quiet">Nobody took upgrades by themselves at that time.</p>` : html`<${Progress} rollout=${rollout} />`}
      <p class="quiet">Began <${Ago} at=${rollout.created_at} />${rollout.due_at && html` · goes on <${Ago} at=${rollout.due_at} />`}</p>
      ${verb && html`<div><${RightButton} needs="publish" class="small" onClick=${() => setOpen(verb)}>${capital(verb)}<span class="unseen"> ${rollout.version}</span><//></div>`}
      ${open && html`<${Dialog} ...${{ canonical, rollout, onClose: () => setOpen(""), onDone: refresh }} />`}
    </article>
  `;
}

/** @param {{rollout: Rollout}} props */
const Progress = ({ rollout }) => html`
  <ol class="waves" aria-label="Waves">
    ${WAVES.map((label, at) => html`<li class=${waveState(rollout, at + 1)} key=${label}>Wave ${at + 1}: ${label}</li>`)}
  </ol>
  <p>${rollout.halted_reason ?? MEANS[rollout.state]}</p>
  ${rollout.paused_by_platform && html`<p>The platform paused it: it goes on once the platform resumes it.</p>`}
  <dl class="counts">
    ${[["take upgrades", rollout.candidates], ["started", rollout.started], ["ready", rollout.succeeded], ["failed", rollout.failed], ["left it", rollout.left]].map(
      ([label, count]) => html`<div><dt>${label}</dt><dd>${count}</dd></div>`,
    )}
  </dl>
`;

/** @param {Rollout} rollout @param {number} wave */
function waveState(rollout, wave) {
  if (rollout.state === "done" || wave < rollout.wave) return "done";
  if (wave > rollout.wave) return "";
  if (HELD.includes(rollout.state)) return rollout.state;
  return rollout.state === "superseded" ? "" : "running";
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {{canonical: string, rollout: Rollout, onClose: () => void, onDone: () => void}} props */
function PauseDialog({ canonical, rollout, onClose, onDone }) {
  const run = async (/** @type {string} */ key) => {
    await call("POST", rolloutPath(canonical, rollout, "pause"), { key });
    onDone();
  };
  return html`
    <${ActionDialog} title=${`Pause the rollout of ${rollout.version}`} confirm="Pause" run=${run} onClose=${onClose}
      command=${hub("rollouts", "pause", canonical, rollout.rollout_id)}>
      <p>Nobody else is upgraded to ${rollout.version} by itself until it is resumed.</p>
      <p class="quiet">Upgrades that are under way go on; who wants ${rollout.version} can still install it.</p>
    <//>
  `;
}

/** @param {{canonical: string, rollout: Rollout, onClose: () => void, onDone: () => void}} props */
function ResumeDialog({ canonical, rollout, onClose, onDone }) {
  const run = async (/** @type {string} */ key) => {
    await call("POST", rolloutPath(canonical, rollout, "resume"), { key });
    onDone();
  };
  return html`
    <${ActionDialog} title=${`Resume the rollout of ${rollout.version}`} confirm="Resume" run=${run} onClose=${onClose}
      command=${hub("rollouts", "resume", canonical, rollout.rollout_id)}>
      ${rollout.state === "halted" && rollout.halted_reason && html`<p>It was halted: ${rollout.halted_reason}</p>`}
      ${rollout.state === "superseded" && html`<p>It ended because ${rollout.halted_reason ?? "a newer version took over"}, which is not offered any more.</p>`}
      <p>${rollout.state === "halted" ? "It goes on with its wave, and halts again if as many fail." : "It goes on where it was."}</p>
    <//>
  `;
}

/** @param {string} canonical @param {Rollout} rollout @param {string} verb */
const rolloutPath = (canonical, rollout, verb) => providerPath(canonical, `/rollouts/${encodeURIComponent(rollout.rollout_id)}/${verb}`);
