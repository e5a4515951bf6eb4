// One installation: what is happening to it, whether it runs and why not, and everything that can be done about it.
import { installedPath, providerPath } from "../api.js";
import { hub } from "../commands.js";
import { Advisories } from "../components/advisories.js";
import { Ago } from "../components/ago.js";
import { Command } from "../components/command.js";
import { ConfigShown } from "../components/config-shown.js";
import { InstallationActions } from "../components/installation-actions.js";
import { Logs } from "../components/logs.js";
import { Empty, Loaded, Page, Section, Skeleton, Stale } from "../components/page.js";
import { Reason } from "../components/reason.js";
import { InstallationState, State } from "../components/state.js";
import { Steps } from "../components/steps.js";
import { Timeline } from "../components/timeline.js";
import { html, useEffect, useRef } from "../html.js";
import { isMoving, MOVING_MS, pauseOf, SETTLED_MS, usePolled } from "../poll.js";
import { useVersions } from "../versions.js";

/**
 * @typedef {import("../types.js").Installation} Installation
 * @typedef {import("../types.js").Deployment} Deployment
 */

/** @param {{parts: string[]}} props */
export function InstallationPage({ parts }) {
  const canonical = parts.join("/");
  const polled = usePolled(installedPath(canonical), pauseOf);
  const seen = useRef(false);
  if (polled.data) seen.current = true;
  if (polled.error?.status === 404) return html`<${Gone} canonical=${canonical} was=${seen.current} />`;
  if (polled.data) return html`<${Installed} row=${polled.data} error=${polled.error} refresh=${polled.refresh} />`;
  return html`<${Page} title=${canonical} of="Installation" lead="…"><${Loaded} polled=${polled} lines=${12} /><//>`;
}

/** @param {{canonical: string, was: boolean}} props */
const Gone = ({ canonical, was }) => html`
  <${Page} title=${canonical} of="Installation">
    <${Empty} command=${hub("install", canonical, "--wait")} link=${html`<p><a class="button" href="#/installed">To the installations</a></p>`}>
      ${was ? "It is uninstalled: nothing of it is left." : "This is not installed in your organization."}
    <//>
  <//>
`;

/** @param {{row: Installation}} props */
const Lead = ({ row }) => html`
  <${InstallationState} row=${row} /> ${" "}
  <span class="mono">${row.installed_version}</span>
  ${row.current_version && row.current_version !== row.installed_version && html`<span> · ${row.current_version} serves</span>`}
  <span> · <a href=${`#/catalog/${row.canonical}`}>in the catalog</a></span>
`;

/** @param {{row: Installation, error: import("../api.js").ApiError | null, refresh: () => void}} props */
function Installed({ row, error, refresh }) {
  const versions = useVersions(row.canonical, () => SETTLED_MS);
  const own = usePolled(providerPath(row.canonical, `/versions/${encodeURIComponent(row.installed_version)}`));
  const events = usePolled(installedPath(row.canonical, "/events?limit=50"));
  const deployment = usePolled(installedPath(row.canonical, "/deployment"), () => (isMoving(row) ? MOVING_MS : SETTLED_MS));
  const moment = `${row.updated_at} ${row.generation}`;
  const shown = useRef(moment);
  useEffect(() => {
    if (shown.current === moment) return;
    shown.current = moment;
    events.refresh();
    deployment.refresh();
  }, [moment]);
  const actions = html`
    <${InstallationActions} row=${row} versions=${versions} own=${own} events=${events.data?.items ?? []} refresh=${refresh} />
  `;
  return html`
    <${Page} title=${row.canonical} of="Installation" lead=${html`<${Lead} row=${row} />`} actions=${actions}>
    <${Stale} error=${error} />
    ${row.failure_message && html`<div class="problem" role="alert"><${Reason} text=${row.failure_message} strong /></div>`}
    ${row.health_message && html`<div class="notice"><p><${State} value="degraded" /> ${row.health_message}</p></div>`}
    <${Advisories} advisories=${row.advisories} mendedBy=${row.mended_by} />
    <div class="columns wide-left">
      <div class="column">
        ${events.data
          ? html`<${Steps} row=${row} events=${events.data.items} deployment=${deployment.data} />`
          : html`<${Section} title="Steps"><div class="steps-room"><${Skeleton} lines=${4} /></div><//>`}
        <${Logs} canonical=${row.canonical} />
        <${Section} title="Timeline" aside=${html`<${Command} text=${hub("events", row.canonical)} />`}>
          <${Loaded} polled=${events} lines=${6}>${(/** @type {any} */ page) => html`<${Timeline} events=${page.items} />`}<//>
        <//>
      </div>
      <div class="column">
        <${Section} title="Deployment">
          <${Loaded} polled=${deployment} lines=${9}>${(/** @type {Deployment} */ status) => html`<${DeploymentFacts} status=${status} />`}<//>
        <//>
        <${Section} title="Settings"><${Settings} row=${row} /><//>
        <${Section} title="Config"><${ConfigShown} config=${row.config} secrets=${row.secret_config ?? []} /><//>
        <${Command} text=${hub("status", row.canonical, "--watch")} />
      </div>
    </div>
    <//>
  `;
}

/** @param {{status: Deployment}} props */
const DeploymentFacts = ({ status }) => html`
  ${status.message && html`<p class=${status.status === "failed" ? "problem" : ""}>${status.message}</p>`}
  <dl class="facts">
    <dt>Status</dt><dd><${State} value=${status.status} /></dd>
    <dt>Replicas</dt><dd>${status.ready_replicas} ready, ${status.available_replicas} available</dd>
    <dt>Version</dt><dd class="mono">${status.version ?? "none yet"}</dd>
    <dt>Image</dt><dd class="mono">${status.image ?? "none yet"}</dd>
    <dt>Deployment</dt><dd class="mono">${status.deployment_name}</dd>
    <dt>Changed</dt><dd><${Ago} at=${status.updated_at} /></dd>
  </dl>
`;

/** @param {{row: Installation}} props */
const Settings = ({ row }) => html`
  <dl class="facts">
    <dt>Tier</dt><dd>${row.resource_tier}</dd>
    <dt>Upgrades</dt><dd>${row.upgrade_policy === "auto" ? "by themselves" : "when you say so"}${row.allow_major_upgrades && ", major ones too"}</dd>
    <dt>When a change fails</dt><dd>${row.rollback_on_failure ? "goes back by itself" : "stays failed"}</dd>
    <dt>Installed</dt><dd><${Ago} at=${row.installed_at} /></dd>
    <dt>Generation</dt><dd>${row.generation}</dd>
    ${row.resource_types.length > 0 && html`<dt>Serves</dt><dd>${row.resource_types.join(", ")}</dd>`}
  </dl>
`;
