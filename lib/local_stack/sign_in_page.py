"""The local issuer's sign-in page: choose an organization and a role. No password: it is your own machine."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from provider_hub.domain.roles import ROLES

SUGGESTED = ("acme", "globex", "initech")
_MAY = {
    "admin": "installs, upgrades, publishes: everything",
    "publisher": "reads, and publishes providers",
    "member": "reads",
}

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --back: #f3f5f7; --ink: #17202a; --soft: #55606d; --line: #c3cad3;
  --accent: #0b5cad; --on-accent: #fff; --bad: #a3231b }
@media (prefers-color-scheme: dark) { :root { --paper: #1a212a; --back: #10151b; --ink: #e8edf2; --soft: #a5b0bc;
  --line: #3a4552; --accent: #7ab8ff; --on-accent: #06203c; --bad: #ff9c92 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 27rem; margin: 8vh auto; padding: 1.75rem; background: var(--paper); border: 1px solid var(--line);
  border-radius: 10px }
h1 { font-size: 1.35rem; margin: 0 0 .25rem }
p { margin: 0 0 1.25rem; color: var(--soft) }
p.error { color: var(--bad) }
fieldset { border: 0; margin: 0 0 1.25rem; padding: 0 }
legend { font-weight: 600; padding: 0 0 .4rem }
label { display: flex; gap: .6rem; align-items: baseline; padding: .35rem 0 }
label small { color: var(--soft); font-size: .9rem }
input[type=text] { flex: 1; min-width: 0; font: inherit; padding: .4rem .6rem; color: inherit; background: var(--back);
  border: 1px solid var(--line); border-radius: 6px }
button { font: inherit; font-weight: 600; width: 100%; padding: .65rem; border: 0; border-radius: 6px;
  background: var(--accent); color: var(--on-accent); cursor: pointer }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def security_policy(returns_to: str) -> str:
    """The page's Content-Security-Policy. The form's answer leads to the origin `returns_to`."""
    return (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self' {returns_to}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def page(query: str, slugs: Sequence[str], error: str = "") -> str:
    """The form. `query` is the request's own, which comes back with it; `slugs` are the organizations to offer."""
    organizations = "".join(
        _choice("organization", slug, escape(slug), checked=index == 0) for index, slug in enumerate(slugs)
    )
    roles = "".join(
        _choice("role", role, f"{role}<small>{_MAY[role]}</small>", checked=role == "admin") for role in reversed(ROLES)
    )
    complaint = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    return _document(
        "Sign in",
        f"""<h1>Sign in to Provider Hub</h1>
<p>On this machine anyone is whoever they like to be: choose an organization and a role.</p>
{complaint}<form method="post" action="?{escape(query)}">
<fieldset><legend>Organization</legend>{organizations}
<label>or another: <input type="text" name="other" placeholder="its slug" maxlength="63" autocomplete="off"
 spellcheck="false"></label></fieldset>
<fieldset><legend>Role</legend>{roles}</fieldset>
<button type="submit">Sign in</button>
</form>""",
    )


def refusal_page(why: str) -> str:
    """What a person reads whose browser was sent here wrongly."""
    return _document("Cannot sign in", f"<h1>Cannot sign in</h1><p>{escape(why)}</p>")


def _choice(name: str, value: str, text: str, *, checked: bool) -> str:
    mark = " checked" if checked else ""
    return f'<label><input type="radio" name="{name}" value="{escape(value)}"{mark}>{text}</label>'


def _document(title: str, content: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Provider Hub</title><style>{STYLE}</style></head>
<body><main>{content}</main></body>
</html>
"""
