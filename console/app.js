// The console: a client of the public API in the browser. From here each address leads to its page.
import { forget } from "./api.js";
import { person, resumeSession } from "./auth.js";
import { Layout } from "./components/layout.js";
import { Empty, Page } from "./components/page.js";
import { effect, html, render } from "./html.js";
import { AuditPage } from "./pages/audit.js";
import { CatalogPage } from "./pages/catalog.js";
import { DeadLettersPage } from "./pages/dead-letters.js";
import { InstallationPage } from "./pages/installation.js";
import { InstalledPage } from "./pages/installed.js";
import { OrganizationPage } from "./pages/organization.js";
import { ProviderPage } from "./pages/provider.js";
import { PublishedPage } from "./pages/published.js";
import { PublishingPage } from "./pages/publishing.js";
import { SignInPage } from "./pages/sign-in.js";
import { place, reread } from "./router.js";
import { listenForKeys } from "./shortcuts.js";

/**
 * The pages by the first part of their address and the number of parts behind it. What is public needs no sign-in.
 * @type {Record<string, {page: any, open?: boolean}>}
 */
const PAGES = {
  "installed 0": { page: InstalledPage },
  "installed 2": { page: InstallationPage },
  "catalog 0": { page: CatalogPage, open: true },
  "catalog 2": { page: ProviderPage, open: true },
  "publishing 0": { page: PublishingPage },
  "publishing 2": { page: PublishedPage },
  "dead-letters 0": { page: DeadLettersPage },
  "organization 0": { page: OrganizationPage },
  "audit 0": { page: AuditPage },
};

function App() {
  const [first = "installed", ...rest] = place.value.parts;
  const found = PAGES[`${first} ${rest.length}`];
  if (found && !found.open && !person.value) return html`<${Layout}><${SignInPage} /><//>`;
  return html`<${Layout}>${found ? html`<${found.page} key=${[first, ...rest].join("/")} parts=${rest} />` : html`<${NotFound} />`}<//>`;
}

const NotFound = () => html`
  <${Page} title="There is no such page">
    <${Empty} link=${html`<a class="button" href="#/">To the installations</a>`}>The address leads nowhere.<//>
  <//>
`;

let shownTo = "";
effect(() => {
  const who = `${person.value?.slug} ${person.value?.subject}`;
  // What one person was answered is not for the next.
  if (who !== shownTo) forget();
  shownTo = who;
});

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
listenForKeys();
// The issuer may be down: the page then says so when somebody asks to sign in.
const resumed = await resumeSession().catch(() => "ready");
reread(); // the issuer's answer stood in the address
if (resumed === "ready") render(html`<${App} />`, root);
