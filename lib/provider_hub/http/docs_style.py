"""The look of `GET /docs`: one style sheet, light and dark, readable on a phone and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --text: #1c2330; --soft: #5b6576; --line: #dfe3ea; --page: #fff; --panel: #f5f7fa; --link: #0b57b7;
  --get: #0a6b46; --post: #0b57b7; --patch: #8a5300; --delete: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e3e7ee; --soft: #9aa5b6; --line: #2c3442; --page: #12161d; --panel: #1a202a; --link: #82b4ff;
    --get: #5fd3a3; --post: #82b4ff; --patch: #f0b35e; --delete: #ff938a;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
.frame { display: grid; grid-template-columns: 19rem minmax(0, 1fr); }
nav {
  position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 3rem 1.5rem;
  border-right: 1px solid var(--line); font-size: .875rem;
}
nav h2 { margin: 1.25rem 0 .25rem; font-size: .8rem; color: var(--soft); text-transform: capitalize; }
nav ul { margin: 0; padding: 0; list-style: none; }
nav li a { display: grid; grid-template-columns: 3.4rem 1fr; padding: .1rem 0; color: var(--text); }
main { max-width: 62rem; padding: 2rem 2.5rem 6rem; }
h1 { margin: 0 0 .5rem; font-size: 1.75rem; }
main > h2 { margin: 3.5rem 0 .25rem; padding-top: 1rem; border-top: 1px solid var(--line); text-transform: capitalize; }
article { margin: 2rem 0 3rem; }
article > h3 { margin: 0 0 .35rem; font-size: 1.05rem; }
article > h3 code { font-size: 1rem; overflow-wrap: anywhere; }
h4 { margin: 1.1rem 0 .35rem; font-size: .85rem; color: var(--soft); }
.note { color: var(--soft); }
.method { font: 700 .72rem/1.6 ui-monospace, monospace; }
article .method { margin-right: .4rem; font-size: .85rem; }
.get { color: var(--get); } .post { color: var(--post); } .patch { color: var(--patch); }
.delete { color: var(--delete); }
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; font-size: .85em; }
pre {
  margin: .25rem 0; padding: .8rem 1rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 6px;
  background: var(--panel); line-height: 1.45;
}
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th { text-align: left; font-weight: 600; color: var(--soft); }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: break-word; }
td:first-child { white-space: nowrap; }
summary { cursor: pointer; color: var(--link); font-size: .875rem; }
@media (max-width: 56rem) {
  .frame { display: block; }
  nav { position: static; height: auto; max-height: 45vh; border-right: 0; border-bottom: 1px solid var(--line); }
  main { padding: 1.25rem 1rem 4rem; }
  td:first-child { white-space: normal; }
}
@media print { nav { display: none; } .frame { display: block; } }
"""
