/** Light, dark and on paper; nothing is fetched. */
export const pageStyle = `
:root { color-scheme: light dark; --ink: #1b1f24; --quiet: #59636e; --ground: #ffffff; --card: #f6f8fa; --rule: #d1d9e0;
  --good: #1a7f37; --warn: #9a6700; --bad: #cf222e; --warn-ground: #fff8e5; --bad-ground: #ffebe9; --good-ground: #e6f6ea; --line: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --quiet: #9198a1; --ground: #0d1117; --card: #151b23; --rule: #3d444d;
  --good: #3fb950; --warn: #d29922; --bad: #f85149; --warn-ground: #272115; --bad-ground: #2d1517; --good-ground: #12261a; --line: #4493f8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 54rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; } h2 { font-size: 1.15rem; margin: 0 0 .4rem; }
p { margin: .2rem 0; } .quiet { color: var(--quiet); font-size: .9em; } code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.status { margin: 1.2rem 0; padding: .6rem .9rem; border-radius: 8px; font-weight: 600; border-left: 5px solid; }
.status.ok { background: var(--good-ground); border-color: var(--good); } .status.warning { background: var(--warn-ground); border-color: var(--warn); }
.status.critical { background: var(--bad-ground); border-color: var(--bad); }
.findings { list-style: none; margin: 0 0 1.5rem; padding: 0; } .findings li { padding: .5rem .9rem; margin: .5rem 0; border-left: 5px solid; background: var(--card); border-radius: 0 8px 8px 0; overflow-wrap: anywhere; }
.findings .critical { border-color: var(--bad); } .findings .warning { border-color: var(--warn); } .findings code { color: var(--quiet); } .hint { color: var(--quiet); }
section { margin: 1.5rem 0; padding: 1.1rem 1.25rem 1.25rem; border: 1px solid var(--rule); border-radius: 10px; break-inside: avoid; }
.figures { display: flex; flex-wrap: wrap; gap: .75rem 2rem; margin: 1rem 0; } .figures div { display: flex; flex-direction: column; min-width: 7rem; }
.figures b { font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; } .figures span { color: var(--quiet); font-size: .85em; }
.days { display: flex; gap: 3px; list-style: none; padding: 0; margin: 0 0 1rem; } .days li { flex: 1; height: 16px; border-radius: 3px; background: var(--rule); opacity: .6; } .days li span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.days .good { background: var(--good); opacity: 1; } .days .bad { background: var(--bad); opacity: 1; } .days .mixed { background: linear-gradient(var(--good) 50%, var(--bad) 50%); opacity: 1; }
figure { margin: 0 0 1rem; } svg { width: 100%; height: auto; display: block; } .line { fill: none; stroke: var(--line); stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.area { fill: var(--line); opacity: .12; } circle { fill: var(--line); } figcaption { display: flex; justify-content: space-between; gap: 1rem; color: var(--quiet); font-size: .8em; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .92em; } th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; font-variant-numeric: tabular-nums; }
.wide td { overflow-wrap: anywhere; min-width: 5rem; } .wide td:nth-child(2) { min-width: 8rem; } th { font-weight: 600; } .facts { margin-bottom: 1rem; } .facts th { width: 9rem; color: var(--quiet); font-weight: 400; }
footer { margin-top: 2rem; }
@media print { body { font-size: 11px; } main { max-width: none; padding: 0; } * { print-color-adjust: exact; } }
@media (max-width: 34rem) { figcaption span:nth-child(2) { display: none; } .facts th { width: 7rem; } }
`;
