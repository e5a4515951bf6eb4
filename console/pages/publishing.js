// What the organization itself publishes.
import { call } from "../api.js";
import { person } from "../auth.js";
import { hub } from "../commands.js";
import { Ago } from "../components/ago.js";
import { Command } from "../components/command.js";
import { RightButton } from "../components/layout.js";
import { Empty, Loaded, Page } from "../components/page.js";
import { AddPublisherDialog } from "../components/publisher-form.js";
import { counted } from "../format.js";
import { html, useState } from "../html.js";
import { usePolled } from "../poll.js";

/** @typedef {import("../types.js").Provider} Provider */

const PAGE = 100;
/** A name that others use in many descriptions is asked for no further. */
const MOST_PAGES = 20;
const PUBLISH = hub("publish", "dist/my_provider-1.0.0-py3-none-any.whl");

export function PublishingPage() {
  const own = person.value;
  // Every provider of an organization has its slug as the first word of its name.
  const polled = usePolled(own ? `/providers?${new URLSearchParams({ q: own.slug, limit: String(PAGE) })}` : null, undefined, readAll);
  const [adding, setAdding] = useState(false);
  const add = html`<${RightButton} needs="manage" onClick=${() => setAdding(true)}>Publish from CI<//>`;
  return html`
    <${Page} title="Publishing" lead="The providers of your organization." actions=${add}>
      <${Loaded} polled=${polled} lines=${6}>
        ${(/** @type {Provider[]} */ found) => html`<${Own} providers=${found.filter((one) => one.author.organization_id === own?.organizationId)} />`}
      <//>
      ${adding && html`<${AddPublisherDialog} canonical=${null} onClose=${() => setAdding(false)} onDone=${() => {}} />`}
    <//>
  `;
}

/**
 * Every provider that a search finds: the organization's own may come behind those that only mention it.
 * @param {string} path @param {AbortSignal} signal @returns {Promise<Provider[]>}
 */
async function readAll(path, signal) {
  const found = [];
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { items, total } = await call("GET", page ? `${path}&offset=${page * PAGE}` : path, { signal });
    found.push(...items);
    if (!items.length || found.length >= total) break;
  }
  return found;
}

/** @param {{providers: Provider[]}} props */
function Own({ providers }) {
  if (!providers.length) return html`<${Empty} command=${PUBLISH}>Your organization has published nothing yet. Its CI does it with one command.<//>`;
  return html`
    <table class="rows" role="table">
      <thead role="rowgroup">
        <tr role="row">${["Provider", "Latest", "Installs", "Changed"].map((head) => html`<th role="columnheader" scope="col">${head}</th>`)}</tr>
      </thead>
      <tbody role="rowgroup">
        ${providers.map(
          (provider) => html`
            <tr role="row" data-row key=${provider.canonical}>
              <td role="cell"><a href=${`#/publishing/${provider.canonical}`}>${provider.canonical}</a></td>
              <td role="cell" class="mono">${provider.latest_version ?? "none"}</td>
              <td role="cell">${counted(provider.install_count, "install")}${provider.scope === "tenant" && html` <span class="tag plain">only us</span>`}</td>
              <td role="cell"><${Ago} at=${provider.updated_at} /></td>
            </tr>
          `,
        )}
      </tbody>
    </table>
    <${Command} text=${PUBLISH} />
  `;
}
