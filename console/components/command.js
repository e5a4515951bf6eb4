// A command to copy.
import { html, useState } from "../html.js";

const SHOWN_MS = 2000;

/** @param {{text: string, label?: string}} props */
export function Command({ text, label = "The same in a terminal" }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  // A line never breaks within an option: what is read there is typed somewhere else.
  const words = text.split(" ").map((word, at) => html`${at > 0 && " "}<span class="word">${word}</span>`);
  return html`
    <div class="command">
      <code aria-label=${label}>${words}</code>
      ${navigator.clipboard && html`<button type="button" class="copy" onClick=${copy}>${copied ? "Copied" : "Copy"}</button>`}
    </div>
  `;
}
