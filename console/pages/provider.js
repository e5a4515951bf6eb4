// A provider of the catalog: its readme, its versions, and what it asks to be told.
import { providerPath } from "../api.js";
import { person } from "../auth.js";
import { hub } from "../commands.js";
import { Command } from "../components/command.js";
import { InstallDialog } from "../components/install-dialog.js";
import { RightButton } from "../components/layout.js";
import { Loaded, Older, Page, Problem, Section } from "../components/page.js";
import { beginSignIn } from "../components/said.js";
import { SchemaTable } from "../components/schema-table.js";
import { State } from "../components/state.js";
import { VersionFacts } from "../components/version-facts.js";
import { counted } from "../format.js";
import { html, useState } from "../html.js";
import { Markdown } from "../markdown.js";
import { usePolled } from "../poll.js";
import { useVersions } from "../versions.js";

/**
 * @typedef {import("../types.js").Provider} Provider
 * @typedef {import("../types.js").Version} Version
 */

/** @param {{parts: string[]}} props */
export function ProviderPage({ parts }) {
  const canonical = parts.join("/");
  const polled = usePolled(providerPath(canonical));
  const versions = useVersions(canonical);
  const [number, setNumber] = useState("");
  const installed = usePolled(person.value ? "/providers/installed" : null);
  if (polled.error && !polled.data) {
    return html`<${Page} title=${canonical} of="Catalog"><${Problem} error=${polled.error} retry=${polled.refresh} /><//>`;
  }
  const provider = /** @type {Provider | null} */ (polled.data);
  const has = (installed.data ?? []).some((/** @type {any} */ row) => row.canonical === canonical);
  const found = /** @type {Version[]} */ (versions.data ?? []);
  const chosen = found.find((version) => version.version === (number || provider?.latest_version)) ?? found[0];
  const actions = provider && html`<${Actions} provider=${provider} versions=${versions.data ?? []} has=${has} />`;
  return html`
    <${Page} title=${provider?.display_name ?? canonical} of="Catalog" lead=${provider ? html`<${Lead} provider=${provider} />` : "…"} actions=${actions}>
      <div class="columns wide-left">
        <div class="column">
          <${Section} title="About"><${Loaded} polled=${polled} lines=${5}>${(/** @type {Provider} */ shown) => html`<${About} provider=${shown} />`}<//><//>
          ${provider && chosen && html`<${AllSchemas} version=${chosen} />`}
        </div>
        <div class="column">
          <${Section} title="Versions">
            <${Loaded} polled=${versions} lines=${8}>${() => html`<${Versions} versions=${found} list=${versions} chosen=${chosen} onChoose=${setNumber} />`}<//>
          <//>
        </div>
      </div>
    <//>
  `;
}

/** @param {{provider: Provider}} props */
const Lead = ({ provider }) => html`
  <span class="mono">${provider.canonical}</span> by ${provider.author.display_name} · ${counted(provider.install_count, "install")}
  ${provider.scope === "tenant" && html` <span class="tag plain">only us</span>`}
`;

/** @param {{provider: Provider, versions: Version[], has: boolean}} props */
function Actions({ provider, versions, has }) {
  const [open, setOpen] = useState(false);
  const choices = versions.filter((version) => version.status === "published");
  if (has) return html`<a class="button primary" href=${`#/installed/${provider.canonical}`}>Open the installation</a>`;
  if (!choices.length) return null;
  if (!person.value) return html`<button type="button" class="button primary" onClick=${() => beginSignIn()}>Sign in to install</button>`;
  return html`
    <${RightButton} needs="manage" class="primary" onClick=${() => setOpen(true)}>Install<//>
    ${open && html`<${InstallDialog} provider=${provider} versions=${choices} first=${provider.latest_version ?? choices[0].version} onClose=${() => setOpen(false)} />`}
  `;
}

/** @param {{provider: Provider}} props */
const About = ({ provider }) => html`
  <p>${provider.description}</p>
  ${provider.tags.length > 0 &&
  html`<p class="tile-foot">${provider.tags.map((tag) => html`<a class="tag" href=${`#/catalog?${new URLSearchParams({ tag })}`}>${tag}</a>`)}</p>`}
  ${provider.readme
    ? html`<${Markdown} text=${provider.readme} />`
    : html`<p class="quiet">It has no readme.</p>${provider.author.organization_id === person.value?.organizationId &&
        html`<${Command} text=${hub("edit", provider.canonical, "--readme", "@README.md")} />`}`}
`;

/** @param {{versions: Version[], list: {hasOlder: boolean, older: () => void}, chosen: Version | undefined, onChoose: (version: string) => void}} props */
function Versions({ versions, list, chosen, onChoose }) {
  if (!chosen) return html`<p class="quiet">It has no version.</p>`;
  return html`
    <ul class="choices version-list">
      ${versions.map(
        (version) => html`
          <li key=${version.version}>
            <button type="button" class="choice mono" aria-pressed=${version === chosen} onClick=${() => onChoose(version.version)}>
              ${version.version}${version.status !== "published" && html` <${State} value=${version.status} />`}
            </button>
          </li>
        `,
      )}
    </ul>
    <${Older} list=${list} what="versions" />
    <${VersionFacts} version=${chosen} />
  `;
}

/** @param {{version: Version}} props */
const AllSchemas = ({ version }) => html`
  <${Section} title=${`Schemas of ${version.version}`}>
    ${!version.schemas.length && html`<p class="quiet">It says nothing of its config: any variable is taken.</p>`}
    ${version.schemas.map((schema) => html`<${Schemas} key=${schema.resource} schema=${schema} />`)}
  <//>
`;

/** @param {{schema: import("../types.js").ResourceSchema}} props */
const Schemas = ({ schema }) => html`
  <h3>${schema.resource === "provider" ? "Its own config" : html`Resource <code>${schema.resource}</code>`}</h3>
  ${schema.description && html`<p>${schema.description}</p>`}
  <${SchemaTable} schema=${schema.config_schema} label=${`Config of ${schema.resource}`} />
  ${schema.outputs_schema && html`<p class="quiet">Outputs</p><${SchemaTable} schema=${schema.outputs_schema} label=${`Outputs of ${schema.resource}`} />`}
`;
