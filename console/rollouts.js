// Which rollouts the hub lets go on: those of versions that it still offers to whoever takes upgrades by themselves.
import { compareVersions } from "./steps.js";

/**
 * @typedef {import("./types.js").Rollout} Rollout
 * @typedef {import("./types.js").Version} Version
 */

const RESUMABLE = ["halted", "paused", "superseded"];

/**
 * Whether somebody can resume a rollout. The hub decides for itself; this keeps from offering what it refuses.
 * @param {Rollout} rollout @param {Rollout[]} all those of the provider @param {Version[]} versions those of the provider
 */
export function canResume(rollout, all, versions) {
  const published = versions.filter((one) => one.status === "published").map((one) => one.version);
  if (!RESUMABLE.includes(rollout.state) || rollout.paused_by_platform || !published.includes(rollout.version)) return false;
  if (rollout.lock_sha256) return !all.some((one) => one.version === rollout.version && one.lock_sha256 && one.created_at > rollout.created_at);
  return isOffered(rollout.version, versions);
}

/**
 * Whether a version is the highest published release of all, or of a line that has a lower version in whatever state.
 * @param {string} version @param {Version[]} versions those of the provider
 */
function isOffered(version, versions) {
  const releases = versions.filter((one) => one.status === "published" && !isPreRelease(one.version)).map((one) => one.version);
  const ofLine = (/** @type {string} */ one) => lineOf(one) === lineOf(version);
  const isHighest = (/** @type {string[]} */ among) => among.every((one) => compareVersions(one, version) <= 0);
  const hasLower = versions.some((one) => ofLine(one.version) && compareVersions(one.version, version) < 0);
  return releases.includes(version) && (isHighest(releases) || (hasLower && isHighest(releases.filter(ofLine))));
}

/** @param {string} version */
const isPreRelease = (version) => version.split("+")[0].includes("-");

/** What a version is compatible with by its number: the same major, or below 1.0.0 the same minor. @param {string} version */
function lineOf(version) {
  const [major, minor] = version.split(".");
  return Number(major) ? major : `0.${minor}`;
}
