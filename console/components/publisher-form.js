// Naming a workflow that may publish a provider, also before there is one.
import { call, providerPath } from "../api.js";
import { person } from "../auth.js";
import { hub } from "../commands.js";
import { html, useState } from "../html.js";
import { go } from "../router.js";
import { ActionDialog } from "./dialog.js";
import { Choice, Text, Tick } from "./inputs.js";

/** @typedef {{platform: string, name: string, repository: string, workflow: string, environment: string, ref: string, called_workflow: string, issuer: string, repository_id: string, owner_id: string}} Form */

/** @type {Form} */
const EMPTY = { platform: "github", name: "", repository: "", workflow: "", environment: "", ref: "", called_workflow: "", issuer: "", repository_id: "", owner_id: "" };
const PLATFORMS = /** @type {[string, string][]} */ ([["github", "GitHub"], ["gitlab", "GitLab"]]);
/** The file that a new repository usually has. @type {Record<string, string>} */
const WORKFLOW = { github: "release.yml", gitlab: ".gitlab-ci.yml" };
/** What a provider's name may be: the API's own rule. */
const NAME = /^[a-z0-9]([a-z0-9._-]{0,196}[a-z0-9])?$/;
const OPTIONS = /** @type {(keyof Form)[]} */ (["environment", "ref", "called_workflow", "issuer", "repository_id", "owner_id"]);

/**
 * @param {{canonical: string | null, onClose: () => void, onDone: () => void}} props canonical: null asks for the provider's name
 */
export function AddPublisherDialog({ canonical, onClose, onDone }) {
  const [form, setForm] = useState(EMPTY);
  const [replaces, setReplaces] = useState(false);
  const set = (/** @type {keyof Form} */ name) => (/** @type {string} */ value) => setForm({ ...form, [name]: value.trim() });
  const short = form.name || form.repository.split("/").at(-1)?.toLowerCase() || "name";
  const wrong = NAME.test(short) ? "" : "Lower-case letters, digits, and . _ - between them.";
  const provider = canonical ?? `${person.value?.slug}/${short}`;
  const run = async (/** @type {string} */ key) => {
    const options = Object.fromEntries(OPTIONS.map((name) => [name, form[name] || null]));
    const body = { platform: form.platform, repository: form.repository, workflow: form.workflow || WORKFLOW[form.platform], ...options, replaces_repository: replaces };
    await call("POST", providerPath(provider, "/publishers"), { body, key });
    onDone();
    if (!canonical) go(`/publishing/${provider}`);
  };
  // 409: the same publisher again, or another repository than the latest version's; the tick answers the second.
  const refused = (/** @type {import("../api.js").ApiError} */ error) =>
    error.message.includes("replaces_repository") &&
    html`<${Tick} label="From now on this repository publishes it" value=${replaces} onChange=${setReplaces} />`;
  return html`
    <${ActionDialog} title="Add a trusted publisher" wide confirm="Add" disabled=${!form.repository || (!canonical && wrong !== "")} command=${commandFor(form, provider, replaces)}
      said=${`${form.repository} may publish ${provider}.`} run=${run} onClose=${onClose} refused=${refused}>
      <div class="three">
        <${Choice} label="CI" value=${form.platform} options=${PLATFORMS} onChange=${set("platform")} />
        <${Text} label="Repository" value=${form.repository} hint=${form.platform === "github" ? "OWNER/REPOSITORY" : "the path of the project"} required onInput=${set("repository")} />
        <${Text} label="Workflow" value=${form.workflow} hint="the file that a run begins with" placeholder=${WORKFLOW[form.platform]} onInput=${set("workflow")} />
      </div>
      ${!canonical && html`<${Text} label="Provider" value=${form.name} hint=${`published as ${provider}; it need not exist yet`} wrong=${wrong} placeholder=${short} onInput=${set("name")} />`}
      <div class="three">
        <${Text} label="Environment" value=${form.environment} hint="only its jobs; empty takes any" placeholder="release" onInput=${set("environment")} />
        <${Text} label="Ref" value=${form.ref} hint="a pattern; empty takes any" placeholder="refs/tags/*" onInput=${set("ref")} />
      </div>
      <details>
        <summary>More</summary>
        <div class="three more">
          ${form.platform === "github" && html`<${Text} label="Called workflow" value=${form.called_workflow} hint="the reusable one that publishes" onInput=${set("called_workflow")} />`}
          <${Text} label="Issuer" value=${form.issuer} hint="of a platform of your own" onInput=${set("issuer")} />
          <${Text} label="Number of the repo" value=${form.repository_id} hint="empty pins the first run's" onInput=${set("repository_id")} />
          <${Text} label="Number of its owner" value=${form.owner_id} hint="likewise" onInput=${set("owner_id")} />
        </div>
      </details>
    <//>
  `;
}

/** @param {Form} form @param {string} provider @param {boolean} replaces */
function commandFor(form, provider, replaces) {
  const options = OPTIONS.filter((name) => form[name]).flatMap((name) => [`--${name.replace(/_/g, "-")}`, form[name]]);
  const repository = form.repository || (form.platform === "github" ? "OWNER/REPOSITORY" : "PROJECT");
  return hub("publishers", "add", form.platform, repository, "--workflow", form.workflow || WORKFLOW[form.platform],
    "--provider", provider, ...options, replaces && "--replaces-repository");
}
