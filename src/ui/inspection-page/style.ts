/** The page's look, in light and in dark. */
export const STYLE = `
:root { color-scheme: light dark; --back: #fbfbfa; --ink: #1d2023; --soft: #62686e; --line: #d9dcdf; --card: #fff; --ok: #23803f; --bad: #b3261e; --accent: #2f6fab; }
@media (prefers-color-scheme: dark) {
  :root { --back: #16181b; --ink: #e7e9eb; --soft: #9aa1a8; --line: #33383d; --card: #1e2125; --ok: #6cc486; --bad: #f2867e; --accent: #7fb5e6; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem 1.25rem 4rem; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .7rem; }
p { margin: .3rem 0; }
.soft { color: var(--soft); }
.mono, code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
.warning { border-left: 3px solid var(--bad); padding-left: .7rem; }
.cards { margin-top: 1.6rem; display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1.1rem; min-width: 0; }
.card h2 { margin: 0 0 .6rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 11px ui-monospace, monospace; fill: var(--ink); }
.treemap rect { stroke: var(--back); stroke-width: .5; }
.treemap text { fill: #fff; pointer-events: none; }
.treemap .size { fill: #ffffffb0; }
.treemap g:hover > rect { filter: brightness(1.2); }
.treemap .folder > rect { filter: brightness(.72); }
.k0 rect { fill: #3f6ea3; } .k1 rect { fill: #2f7f6d; } .k2 rect { fill: #8a5a9b; } .k3 rect { fill: #a8642c; } .k4 rect { fill: #6b7a2e; }
.k5 rect { fill: #a34b5e; } .k6 rect { fill: #4f5fa8; } .k7 rect { fill: #2d7f93; } .k8 rect { fill: #7c6a3a; } .k9 rect { fill: #656d76; }
.disk rect { stroke: var(--line); }
.disk .gap { fill: var(--line); } .disk .free { fill: var(--card); } .disk .fat { fill: #3f6ea3; } .disk .ext { fill: #2f7f6d; } .disk .none { fill: #656d76; }
.time rect { fill: var(--accent); } .time .bad rect { fill: var(--bad); } .time .bad text { fill: var(--bad); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible, input:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
input[type=search] { font: inherit; padding: .35rem .6rem; border: 1px solid var(--line); border-radius: 6px; background: var(--card); color: var(--ink); width: min(24rem, 100%); margin-bottom: .6rem; }
.ok { color: var(--ok); } .failed { color: var(--bad); }
`;
