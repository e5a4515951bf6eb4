// From an installation's timeline to what a person wants to know: what is happening, and what there is to go back to.

/**
 * @typedef {import("./types.js").TimelineEvent} TimelineEvent
 * @typedef {import("./types.js").Installation} Installation
 *
 * @typedef {object} Step
 * @property {string} label
 * @property {"done" | "running" | "failed" | "waiting"} state
 * @property {string | null} from when it began
 * @property {string | null} to when it ended; null while it runs
 * @property {string} note
 */

const BEGINNINGS = ["install", "change requested", "rollback", "uninstall"];
const FAILURES = ["deploy failed", "deadline passed"];

/**
 * The steps of the present change, or of the last one where all is settled.
 * @param {Installation} row
 * @param {TimelineEvent[]} events newest first
 * @returns {{title: string, began: string | null, steps: Step[]}}
 */
export function presentChange(row, events) {
  const own = events.filter((event) => event.generation === row.generation).reverse();
  const began = own.find((event) => BEGINNINGS.includes(event.event)) ?? null;
  if (row.lifecycle_state === "deleting") return { title: "Uninstalling", began: began?.at ?? null, steps: removal(began) };
  const taken = own.find((event) => event.event === "taken by the installer") ?? null;
  const ready = own.find((event) => event.event === "check-in" && event.to_state === "ready") ?? null;
  const failed = ready ? null : own.find((event) => FAILURES.includes(event.event)) ?? null;
  const end = ready ?? failed;
  return {
    title: titleOf(began, row),
    began: began?.at ?? null,
    steps: [
      step("Asked for", began, null, began, "", began ? `by ${began.cause}` : ""),
      step("Taken by the installer", began, taken, taken ?? end, ""),
      step(
        ready ? "Checked in: ready" : "Starts, and checks in",
        taken ?? (end ? began : null),
        end,
        end,
        failed ? "failed" : "",
        failed?.reason ?? "",
      ),
    ],
  };
}

/**
 * @param {string} label @param {TimelineEvent | null} from @param {TimelineEvent | null} to
 * @param {TimelineEvent | null} passed set once the step is over
 * @param {"" | "failed"} outcome @param {string} [note] @returns {Step}
 */
function step(label, from, to, passed, outcome, note = "") {
  const state = outcome || (passed ? "done" : from ? "running" : "waiting");
  return { label, state, from: from?.at ?? null, to: to?.at ?? null, note };
}

/** @param {TimelineEvent | null} began @returns {Step[]} */
function removal(began) {
  return [
    step("Asked for", began, null, began, "", began ? `by ${began.cause}` : ""),
    step("Removes its objects from the cluster", began, null, null, ""),
  ];
}

/** @param {TimelineEvent | null} began @param {Installation} row */
function titleOf(began, row) {
  if (began?.event === "install") return `Installing ${row.installed_version}`;
  if (began?.event === "rollback") return `Going back to ${row.installed_version}`;
  if (began?.reason === "settings changed") return `Changing settings of ${row.installed_version}`;
  if (began?.reason === "deployed again") return `Deploying ${row.installed_version} again`;
  return `Changing to ${row.installed_version}`;
}

/**
 * What there is to go back to, and when it was last ready; null where there is nothing.
 *
 * `whole`: the present change did not become ready, so the hub brings back version, tier and config together. What is
 * ready itself goes back to the version before, if that is still published, and keeps its config.
 * @param {Installation} row @param {TimelineEvent[]} events newest first @param {string[]} published those that are known
 * @returns {{version: string, at: string, whole: boolean} | null}
 */
export function wayBack(row, events, published) {
  const whole = row.lifecycle_state !== "ready";
  const ready = events.find((event) => event.to_state === "ready" && (whole || event.version !== row.installed_version));
  if (!ready || ready.generation === row.generation) return null;
  if (whole ? isWhatWasReady(row, events, ready) : !published.includes(ready.version)) return null;
  return { version: ready.version, at: ready.at, whole };
}

/**
 * Whether the present change is to what was ready last anyway: the hub refuses to go back to that.
 * @param {Installation} row @param {TimelineEvent[]} events newest first @param {TimelineEvent} ready the latest such event
 */
function isWhatWasReady(row, events, ready) {
  const since = events.slice(0, events.indexOf(ready)).filter((event) => BEGINNINGS.includes(event.event) && event.reason !== "deployed again");
  const isBack = (/** @type {TimelineEvent} */ event) => event.event === "rollback" || (event.reason ?? "").startsWith("back to ");
  if (!since.length || isBack(since[0])) return true;
  // To the same version by its number alone: neither config nor lock is another.
  return row.installed_version === ready.version && since.every((event) => isBack(event) || / to \S+$/.test(event.reason ?? ""));
}

/**
 * -1, 0 or 1 by semantic version's precedence (semver.org, section 11).
 * @param {string} one @param {string} other
 */
export function compareVersions(one, other) {
  const [left, right] = [one, other].map((version) => {
    const [core, ...pre] = version.split("+")[0].split("-");
    return { numbers: core.split(".").map(Number), pre: pre.join("-") };
  });
  for (let at = 0; at < 3; at += 1) {
    if (left.numbers[at] !== right.numbers[at]) return left.numbers[at] < right.numbers[at] ? -1 : 1;
  }
  if (left.pre === right.pre) return 0;
  if (!left.pre || !right.pre) return left.pre ? -1 : 1;
  return comparePreReleases(left.pre.split("."), right.pre.split("."));
}

/** @param {string[]} left @param {string[]} right */
function comparePreReleases(left, right) {
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const [one, other] = [left[at], right[at]];
    if (one === other) continue;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber && isOtherNumber) return Number(one) < Number(other) ? -1 : 1;
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return one < other ? -1 : 1;
  }
  return Math.sign(left.length - right.length);
}
