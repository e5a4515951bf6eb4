// Changing an installation's settings: config, tier and policies.
import { call, installedPath } from "../api.js";
import { configOptions, hub } from "../commands.js";
import { html, useMemo, useState } from "../html.js";
import { fieldsOf, takesOthers } from "../schema.js";
import { ConfigForm, configFrom, isComplete, typedFrom } from "./config-form.js";
import { ActionDialog } from "./dialog.js";
import { Choice, Tick, TIERS } from "./inputs.js";

/** @typedef {import("../types.js").Installation} Installation */

/**
 * `row` and `schema` are as they were when the form opened for as long as it is open: what differs from them is what this
 * person changed, and nothing else is sent. `now` is the row as it is by now.
 *
 * @param {{row: Installation, now: Installation, schema: import("../types.js").JsonSchema | null, onClose: () => void, onDone: () => void}} props
 */
export function SettingsDialog({ row, now, schema, onClose, onDone }) {
  const fields = useMemo(() => fieldsOf(schema), [schema]);
  const open = takesOthers(schema);
  const [typed, setTyped] = useState(() => typedFrom(fields, row.config, row.secret_config ?? []));
  const [tier, setTier] = useState(row.resource_tier);
  const [policy, setPolicy] = useState(row.upgrade_policy);
  const [major, setMajor] = useState(row.allow_major_upgrades);
  const [rollback, setRollback] = useState(row.rollback_on_failure);
  const others = changedMeanwhile(row, now);
  const wanted = { resource_tier: tier, upgrade_policy: policy, allow_major_upgrades: major, rollback_on_failure: rollback };
  const changes = changed(row, { ...wanted, config: configFrom(fields, typed, row.config) });
  const redeploys = "config" in changes || "resource_tier" in changes;
  const run = async () => {
    const path = installedPath(row.canonical);
    // A config is replaced as a whole: what somebody else has changed in it since must not go back.
    const body = changes.config ? { ...changes, config: appliedTo((await call("GET", path)).config, row.config, changes.config) } : changes;
    await call("PATCH", path, { body });
    onDone();
  };
  return html`
    <${ActionDialog}
      title="Change settings"
      wide
      confirm=${redeploys ? "Change and deploy" : "Change"}
      disabled=${!isComplete(fields, typed, open) || !Object.keys(changes).length}
      command=${commandFor(row, changes)}
      said="The settings are changed."
      run=${run}
      onClose=${onClose}
    >
      ${others.length > 0 && html`<div class="notice" role="status"><p>Meanwhile somebody changed ${others.join(", ")}. What you leave as it is here stays as it is there.</p></div>`}
      <div class="three">
        <${Choice} label="Tier" value=${tier} options=${TIERS} onChange=${setTier} />
        <${Choice} label="Upgrades" value=${policy} options=${[["manual", "when I say so"], ["auto", "by themselves"]]} onChange=${setPolicy} />
      </div>
      <div>
        <${Tick} label="Go back by itself when a change fails" value=${rollback} onChange=${setRollback} />
        <${Tick} label="Let automatic upgrades cross a major version" value=${major} onChange=${setMajor} />
      </div>
      <${ConfigForm} fields=${fields} open=${open} typed=${typed} onChange=${setTyped} />
      <p class="quiet">
        ${redeploys ? "The runtime is replaced; the old one serves until the new one is ready." : "Nothing that runs is touched."}
      </p>
    <//>
  `;
}

/** What differs from the row. @param {Record<string, any>} row @param {Record<string, any>} wanted */
function changed(row, wanted) {
  const differs = (/** @type {[string, any]} */ [name, value]) => JSON.stringify(sorted(row[name])) !== JSON.stringify(sorted(value));
  return Object.fromEntries(Object.entries(wanted).filter(differs));
}

/** @type {[string, string][]} */
const SETTINGS = [
  ["resource_tier", "the tier"],
  ["upgrade_policy", "the policy of upgrades"],
  ["allow_major_upgrades", "what upgrades may cross"],
  ["rollback_on_failure", "what happens when a change fails"],
  ["config", "the config"],
  ["secret_config", "the secrets"],
  ["installed_version", "the version"],
];

/** What of a row is another than it was, in words. @param {Installation} row @param {Installation} now @returns {string[]} */
function changedMeanwhile(row, now) {
  const differing = changed(row, Object.fromEntries(SETTINGS.map(([name]) => [name, /** @type {any} */ (now)[name]])));
  return SETTINGS.filter(([name]) => name in differing).map(([, words]) => words);
}

/**
 * The changes from one config to another, made to a third.
 * @param {Record<string, string>} now @param {Record<string, string>} before @param {import("./config-form.js").Config} wanted
 * @returns {import("./config-form.js").Config}
 */
export function appliedTo(now, before, wanted) {
  const staying = Object.entries(now).filter(([key]) => key in wanted || !(key in before));
  return Object.fromEntries([...staying, ...Object.entries(wanted).filter(([key, value]) => before[key] !== value)]);
}

/** @param {any} value */
const sorted = (value) => (value && typeof value === "object" ? Object.entries(value).sort() : value);

/** @param {import("../types.js").Installation} row @param {Record<string, any>} changes */
function commandFor(row, changes) {
  const onOff = (/** @type {string} */ option, /** @type {boolean | undefined} */ value) =>
    value === undefined ? [] : [option, value ? "on" : "off"];
  return hub(
    "configure", row.canonical,
    changes.resource_tier && "--tier", changes.resource_tier,
    changes.upgrade_policy && "--policy", changes.upgrade_policy,
    ...onOff("--allow-major-upgrades", changes.allow_major_upgrades),
    ...onOff("--rollback-on-failure", changes.rollback_on_failure),
    ...(changes.config ? configChanges(row.config, changes.config) : []),
    ("config" in changes || "resource_tier" in changes) && "--wait",
  );
}

/**
 * What differs, as options: the command keeps what it is not told.
 * @param {Record<string, string>} before @param {import("./config-form.js").Config} after
 */
function configChanges(before, after) {
  const isGone = (/** @type {any} */ value) => value?.secret === null;
  const set = Object.entries(after).filter(([key, value]) => !isGone(value) && value !== before[key]);
  const gone = [...Object.keys(before).filter((key) => !(key in after)), ...Object.keys(after).filter((key) => isGone(after[key]))];
  return [...configOptions(Object.fromEntries(set)), ...gone.flatMap((key) => ["--unset", key])];
}
