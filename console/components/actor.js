// Who did something, as the audit names them.
import { html } from "../html.js";

/** @type {Record<string, string>} */
export const KINDS = {
  user: "a person",
  machine: "a machine's token",
  trusted_publisher: "a trusted publisher",
  console_user: "the platform",
  console_machine: "the platform",
};

/** @param {{entry: import("../types.js").AuditEntry}} props */
export const ActorName = ({ entry }) => html`<span class="mono">${entry.actor}</span>, ${KINDS[entry.actor_kind] ?? entry.actor_kind}`;
