// A state in a word and a mark: never by colour alone.
import { html } from "../html.js";

/** @type {Record<string, string>} */
const TONES = {
  ready: "good", healthy: "good", available: "good", published: "good", done: "good", active: "good", succeeded: "good",
  pending: "busy", processing: "busy", progressing: "busy", deleting: "busy", building: "busy", running: "busy",
  baking: "busy", waiting: "busy",
  failed: "bad", halted: "bad", suspended: "bad",
  degraded: "warn", yanked: "warn", paused: "warn",
};
/** @type {Record<string, string>} */
const MARKS = { good: "●", busy: "◐", bad: "▲", warn: "◆", plain: "○" };

/** @param {{value: string}} props */
export function State({ value }) {
  const tone = TONES[value] ?? "plain";
  return html`<span class=${`state ${tone}`}><span aria-hidden="true">${MARKS[tone]}</span> ${value}</span>`;
}

/** An installation's state, or its health where that says more. @param {{row: import("../types.js").Installation}} props */
export function InstallationState({ row }) {
  const worse = row.lifecycle_state === "ready" && row.health === "degraded";
  return State({ value: worse ? "degraded" : row.lifecycle_state });
}
