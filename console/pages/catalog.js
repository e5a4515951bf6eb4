// The catalog: find a provider by words, tags and scope.
import { person } from "../auth.js";
import { hub } from "../commands.js";
import { Command } from "../components/command.js";
import { Empty, Loaded, Page } from "../components/page.js";
import { counted } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { SETTLED_MS, usePolled } from "../poll.js";
import { place, setQuery } from "../router.js";

const PAGE_SIZE = 24;
const TYPED_MS = 200;
// Whoever is told how to publish the first one looks here for it.
const EMPTY_MS = 3000;
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

export function CatalogPage() {
  const wanted = wantedNow();
  const offset = Number(place.value.query.get("offset") ?? 0);
  const polled = usePolled(`/providers?${searchOf(wanted, offset)}`, (page) => (page.total ? SETTLED_MS : EMPTY_MS));
  return html`
    <${Page} title="Catalog" lead="Providers that your organization can install.">
      <${Search} wanted=${wanted} />
      <${Loaded} polled=${polled} lines=${12}>${(/** @type {any} */ page) => html`<${Found} page=${page} wanted=${wanted} />`}<//>
      <${Command} text=${hub("search", wanted.q, wanted.tag && "--tag", wanted.tag, wanted.scope && "--scope", wanted.scope)} />
    <//>
  `;
}

/** @typedef {{q: string, tag: string, scope: string}} Wanted */

/** What the address asks for. @returns {Wanted} */
function wantedNow() {
  const { query } = place.value;
  return { q: query.get("q") ?? "", tag: query.get("tag") ?? "", scope: query.get("scope") ?? "" };
}

/** @param {Wanted} wanted @param {number} offset */
function searchOf({ q, tag, scope }, offset) {
  const query = new URLSearchParams({ q, limit: String(PAGE_SIZE), offset: String(offset) });
  if (tag) query.append("tags", tag);
  if (scope) query.append("scope", scope);
  return query;
}

/** @param {{wanted: Wanted}} props */
function Search({ wanted }) {
  const [typed, setTyped] = useState(wanted.q);
  const sent = useRef(wanted.q);
  useEffect(() => {
    // Other words came into the address from elsewhere: by a button, or by a step back in the history.
    if (wanted.q === sent.current) return;
    sent.current = wanted.q;
    setTyped(wanted.q);
  }, [wanted.q]);
  useEffect(() => {
    if (typed === sent.current) return undefined;
    const timer = setTimeout(() => {
      sent.current = typed;
      setQuery({ ...wantedNow(), q: typed });
    }, TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return html`
    <div class="filters" role="search">
      <label class="grow">Search
        <input type="search" value=${typed} maxlength="200" placeholder="name or description"
          onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} />
      </label>
      <label>Who sees it
        <select value=${wanted.scope} onChange=${(/** @type {any} */ event) => setQuery({ ...wanted, scope: event.target.value })}>
          <option value="">no matter who</option>
          <option value="public">everyone</option>
          ${person.value && html`<option value="tenant">only us</option>`}
        </select>
      </label>
      ${wanted.tag &&
      html`<button type="button" class="tag removable" onClick=${() => setQuery({ ...wanted, tag: "" })} aria-label=${`Remove the tag ${wanted.tag}`}>
        ${wanted.tag} ×
      </button>`}
    </div>
  `;
}

/** @param {{page: {items: import("../types.js").Provider[], total: number, offset: number}, wanted: Wanted}} props */
function Found({ page, wanted }) {
  if (!page.items.length) return html`<${Nothing} wanted=${wanted} />`;
  const end = page.offset + page.items.length;
  const turn = (/** @type {number} */ offset) => setQuery({ ...wanted, offset: offset ? String(offset) : "" });
  return html`
    <p class="quiet" role="status">${counted(page.total, "provider")}</p>
    <ul class="tiles">${page.items.map((provider) => html`<${Tile} key=${provider.canonical} provider=${provider} wanted=${wanted} />`)}</ul>
    ${page.total > PAGE_SIZE &&
    html`<nav class="turn" aria-label="Pages of the catalog">
      <button type="button" class="button" aria-disabled=${page.offset === 0} onClick=${() => page.offset && turn(Math.max(0, page.offset - PAGE_SIZE))}>Before</button>
      <span>${page.offset + 1} to ${end}</span>
      <button type="button" class="button" aria-disabled=${end >= page.total} onClick=${() => end < page.total && turn(end)}>Next</button>
    </nav>`}
    ${page.total === 1 && isOwnMachine() && !hasFilter(wanted) && html`<${BrokenSample} />`}
  `;
}

/** @param {{wanted: Wanted}} props */
function Nothing({ wanted }) {
  if (hasFilter(wanted)) {
    return html`<${Empty} link=${html`<button type="button" class="button" onClick=${() => setQuery({})}>Show everything</button>`}>
      Nothing matches. A word matches by its beginning; every word has to.
    <//>`;
  }
  if (isOwnMachine()) return html`<${Samples} />`;
  return html`<${Empty} command=${hub("publish", "dist/my_provider-1.0.0-py3-none-any.whl")}>
    The catalog is empty. Publish the first provider.
  <//>`;
}

/** Whether this is a machine of one's own, with a clone: there are samples to play with. */
const isOwnMachine = () => LOOPBACK.includes(location.hostname);

/** @param {Wanted} wanted */
const hasFilter = ({ q, tag, scope }) => Boolean(q || tag || scope);

/** @param {string} wheel the version, the folder and the variant of a sample */
const publishSample = (wheel) =>
  `.venv/bin/hub publish "$(.venv/bin/python -m local_stack.sample_wheels ${wheel})" --token "$(.venv/bin/hub token machine --org ${person.value?.slug ?? "acme"})"`;

const Samples = () => html`
  <${Empty} command=${publishSample("1.0.0 .hub/samples")}>
    The catalog is empty. Beside <code>make up</code>, in the same folder, this publishes a sample provider.
  <//>
`;

/** Once the sample is there and installed: what there is to see next. */
const BrokenSample = () => html`
  <p class="quiet">Once it is installed, this publishes a version that breaks: upgrade to it, and see it go back.</p>
  <${Command} text=${publishSample("1.1.0 .hub/samples import-fails")} />
`;

/** @param {{provider: import("../types.js").Provider, wanted: Wanted}} props */
function Tile({ provider, wanted }) {
  return html`
    <li class="tile" data-row>
      <h2><a href=${`#/catalog/${provider.canonical}`}>${provider.display_name}</a></h2>
      <p class="quiet mono">${provider.canonical} ${provider.latest_version}</p>
      <p class="clamp">${provider.description}</p>
      <div class="tile-foot">
        <span class="quiet">by ${provider.author.display_name} · ${counted(provider.install_count, "install")}</span>
        ${provider.scope === "tenant" && html`<span class="tag plain">only us</span>`}
        ${provider.tags.map((tag) => html`<button type="button" class="tag" onClick=${() => setQuery({ ...wanted, tag })}>${tag}</button>`)}
      </div>
    </li>
  `;
}
