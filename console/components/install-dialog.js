// Installing: a version, a tier, a policy, and the config that the version asks for.
import { call } from "../api.js";
import { configOptions, hub } from "../commands.js";
import { html, useMemo, useState } from "../html.js";
import { go } from "../router.js";
import { configSchemaOf, fieldsOf, takesOthers } from "../schema.js";
import { carriedTo, ConfigForm, configFrom, isComplete, typedFrom } from "./config-form.js";
import { ActionDialog } from "./dialog.js";
import { Choice, TIERS } from "./inputs.js";

/**
 * @param {{provider: import("../types.js").Provider, versions: import("../types.js").Version[], first: string, onClose: () => void}} props
 *   versions: those that can be installed; first: the one that is chosen at first
 */
export function InstallDialog({ provider, versions, first, onClose }) {
  const [number, setNumber] = useState(first);
  const version = versions.find((one) => one.version === number) ?? versions[0];
  const schema = configSchemaOf(version);
  const open = takesOthers(schema);
  const fields = useMemo(() => fieldsOf(schema), [version]);
  const [typed, setTyped] = useState(() => typedFrom(fields, null));
  const [tier, setTier] = useState("standard");
  const [policy, setPolicy] = useState("manual");
  const choose = (/** @type {string} */ wanted) => {
    const next = versions.find((one) => one.version === wanted) ?? version;
    setNumber(wanted);
    setTyped(carriedTo(fieldsOf(configSchemaOf(next)), fields, typed));
  };
  const config = configFrom(fields, typed);
  const run = async (/** @type {string} */ key) => {
    const body = { provider_name: provider.canonical, version: number, resource_tier: tier, upgrade_policy: policy, config };
    await call("POST", "/providers/install", { body, key });
    go(`/installed/${provider.canonical}`);
  };
  return html`
    <${ActionDialog}
      title=${`Install ${provider.display_name}`}
      wide
      confirm="Install"
      disabled=${!isComplete(fields, typed, open)}
      command=${hub("install", provider.canonical, "--version", number, tier !== "standard" && "--tier", tier !== "standard" && tier,
        policy === "auto" && "--policy", policy === "auto" && "auto", ...configOptions(config), "--wait")}
      run=${run}
      onClose=${onClose}
    >
      <div class="three">
        <${Choice} label="Version" value=${number} options=${versions.map((one) => one.version)} onChange=${choose} />
        <${Choice} label="Tier" value=${tier} options=${TIERS} onChange=${setTier} />
        <${Choice} label="Upgrades" value=${policy} options=${[["manual", "when I say so"], ["auto", "by themselves"]]} onChange=${setPolicy} />
      </div>
      <${ConfigForm} fields=${fields} open=${open} typed=${typed} onChange=${setTyped} />
    <//>
  `;
}
