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
  return isOffered(rollout.version, published);
}

/**
 * Whether a version is the highest release of all, or the highest of a line that has several.
 * @param {string} version @param {string[]} published
 */
export function isOffered(version, published) {
  const releases = published.filter((one) => !isPreRelease(one));
  const line = releases.filter((one) => lineOf(one) === lineOf(version));
  const isHighest = (/** @type {string[]} */ among) => among.every((one) => compareVersions(one, version) <= 0);
  return releases.includes(version) && (isHighest(releases) || (line.length > 1 && isHighest(line)));
}

/** @param {string} version */
const isPreRelease = (version) => version.split("+")[0].includes("-");

/** What a version is compatible with by its number: the same major, or below 1.0.0 the same minor. @param {string} version */
function lineOf(version) {
  const [major, minor] = version.split(".");
  return Number(major) ? major : `0.${minor}`;
}
