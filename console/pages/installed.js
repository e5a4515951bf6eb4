// Every installation of the organization on one page: state, health, and the upgrade that there is.
import { hub } from "../commands.js";
import { ago, tick } from "../components/ago.js";
import { countedAdvisories } from "../components/advisories.js";
import { Command } from "../components/command.js";
import { Empty, Loaded, Page } from "../components/page.js";
import { InstallationState } from "../components/state.js";
import { counted } from "../format.js";
import { Component, html, useMemo, useState } from "../html.js";
import { isMoving, MOVING_MS, SETTLED_MS, usePolled } from "../poll.js";

/** @typedef {import("../types.js").Installation} Installation */

/** @type {Record<string, [string, (row: Installation) => boolean]>} */
const KINDS = {
  all: ["all", () => true],
  failed: ["failed", (row) => row.lifecycle_state === "failed"],
  degraded: ["degraded", (row) => row.lifecycle_state === "ready" && row.health === "degraded"],
  moving: ["moving", isMoving],
  upgrade: ["with an upgrade", (row) => row.upgrade_available || Boolean(row.relock_available)],
};

export function InstalledPage() {
  const polled = usePolled("/providers/installed", (/** @type {Installation[]} */ rows) =>
    rows.some(isMoving) ? MOVING_MS : SETTLED_MS,
  );
  return html`
    <${Page} title="Installations" lead="What your organization runs.">
      <${Loaded} polled=${polled} lines=${10}>
        ${(/** @type {Installation[]} */ rows) => (rows.length ? html`<${Installed} rows=${rows} />` : html`<${NothingYet} />`)}
      <//>
      <${Command} text="hub list" />
    <//>
  `;
}

const NothingYet = () => html`
  <${Empty} command=${hub("install", "ORG/NAME", "--wait")} link=${html`<p><a class="button primary" href="#/catalog">Find a provider</a></p>`}>
    Nothing is installed yet.
  <//>
`;

/** @param {{rows: Installation[]}} props */
function Installed({ rows }) {
  const [text, setText] = useState("");
  const [kind, setKind] = useState("all");
  const shown = useMemo(
    () => rows.filter((row) => row.canonical.includes(text.trim().toLowerCase()) && KINDS[kind][1](row)),
    [rows, text, kind],
  );
  const now = tick.value;
  return html`
    <div class="filters">
      <label class="grow">Filter
        <input type="search" value=${text} placeholder="part of a name" onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
      </label>
      <div class="choices" role="group" aria-label="Which installations">
        ${Object.entries(KINDS).map(
          ([name, [label, fits]]) => html`
            <button type="button" class="choice" aria-pressed=${kind === name} onClick=${() => setKind(name)}>
              ${label} <span class="count">${rows.filter(fits).length}</span>
            </button>
          `,
        )}
      </div>
    </div>
    <p class="quiet" role="status">${counted(shown.length, "installation")}</p>
    <table class="rows" role="table">
      <thead role="rowgroup">
        <tr role="row">
          ${["Provider", "Version", "State", "Changed"].map((head) => html`<th role="columnheader" scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">${shown.map((row) => html`<${Row} key=${row.canonical} row=${row} now=${now} />`)}</tbody>
    </table>
  `;
}

/** @param {Installation} row */
function offered(row) {
  if (row.upgrade_available && row.latest_version !== row.installed_version) return row.latest_version;
  return row.relock_available ? "locked again" : null;
}

/** A row is drawn again only when it changed: a thousand of them cost next to nothing then. */
class Row extends Component {
  /** @param {{row: Installation, now: number}} next */
  shouldComponentUpdate(next) {
    const { row, now } = this.props;
    return next.now !== now || (next.row !== row && JSON.stringify(next.row) !== JSON.stringify(row));
  }

  render() {
    const { row, now } = /** @type {{row: Installation, now: number}} */ (this.props);
    const message = row.lifecycle_state === "failed" ? row.failure_message : row.health_message;
    return html`
      <tr role="row" data-row>
        <td role="cell"><a href=${`#/installed/${row.canonical}`}>${row.canonical}</a></td>
        <td role="cell" class="mono">
          ${row.installed_version}${offered(row) && html` <span class="offer">→ ${offered(row)}</span>`}
          ${row.advisories?.length ? html`<span class="why">${countedAdvisories(row.advisories.length)}</span>` : null}
        </td>
        <td role="cell">${InstallationState({ row })}${message && html`<span class="why" title=${message}>${message}</span>`}</td>
        <td role="cell">${ago(row.updated_at, now)}</td>
      </tr>
    `;
  }
}
