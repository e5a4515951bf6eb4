// Why something failed: the sentence, and behind it the lines that the pod printed last.
import { html } from "../html.js";

/** @param {{text: string, strong?: boolean}} props */
export function Reason({ text, strong = false }) {
  const [sentence, ...lines] = text.split("\n");
  return html`
    <p class=${strong ? "strong" : ""}>${sentence}</p>
    ${lines.length > 0 &&
    html`<details>
      <summary>${lines[0].replace(/:$/, "")}</summary>
      <pre class="lines" tabindex="0">${lines.slice(1).join("\n")}</pre>
    </details>`}
  `;
}
