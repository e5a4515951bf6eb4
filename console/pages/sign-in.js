// What somebody sees who is not signed in.
import { endedBecause } from "../auth.js";
import { Command } from "../components/command.js";
import { Page } from "../components/page.js";
import { beginSignIn } from "../components/said.js";
import { html } from "../html.js";

export function SignInPage() {
  return html`
    <div class="narrow">
      <${Page} title="Sign in">
        <div class="card">
          ${endedBecause.value && html`<p class="problem" role="alert">${endedBecause.value}</p>`}
          <p>Find providers, install them, see whether they run, why they do not, and go back.</p>
          <button type="button" class="button primary large" onClick=${() => beginSignIn()}>Sign in</button>
          <p class="quiet">Or look into <a href="#/catalog">the public catalog</a> without.</p>
          <p class="quiet">The same can be done in a terminal:</p>
          <${Command} text="hub --help" label="Command" />
        </div>
      <//>
    </div>
  `;
}
