/** The look of the report. Everything is in the page: no font, script or picture is fetched. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1c2128; --dim: #656d76; --line: #d0d7de; --page: #fff; --card: #f6f8fa;
  --good: #1a7f37; --bad: #cf222e; --accent: #0969da; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --dim: #9198a1; --line: #3d444d; --page: #0d1117;
  --card: #151b23; --good: #3fb950; --bad: #f85149; --accent: #4493f8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 1240px; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
section + section { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 2rem; }
p { margin: .3rem 0; } .dim { color: var(--dim); } .good { color: var(--good); } .bad { color: var(--bad); }
code, td.code { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: .7rem; margin: 1rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .6rem .8rem; }
.card b { display: block; font-size: 1.3rem; line-height: 1.3; } .card span { color: var(--dim); font-size: .85rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0; width: 100%; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } td.num, th.num { text-align: right; font-variant-numeric: tabular-nums; }
.bar { display: inline-block; height: .7em; background: var(--accent); border-radius: 2px; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--dim); font: 11px ui-monospace, monospace; }
.axis { stroke: var(--line); } .limit { stroke: var(--bad); stroke-dasharray: 5 4; }
.line { fill: none; stroke-width: 1.6; }
.legend span { display: inline-block; margin-right: 1.1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .35em; }
.touched { fill: #2f81f7; background: #2f81f7; } .untouched { fill: #a5d0ff; background: #a5d0ff; }
.heap { fill: #8250df; background: #8250df; } .stack { fill: #d4a72c; background: #d4a72c; }
.inaccessible { fill: #9aa4af; background: #9aa4af; } .file { fill: #57ab5a; background: #57ab5a; }
.shared { fill: #e0823d; background: #e0823d; } .special { fill: #db61a2; background: #db61a2; }
.seam { stroke: var(--bad); stroke-width: 1; }
.s0 { stroke: #2f81f7; background: #2f81f7; } .s1 { stroke: #e0823d; background: #e0823d; }
.s2 { stroke: #57ab5a; background: #57ab5a; } .s3 { stroke: #8250df; background: #8250df; }
.s4 { stroke: #db61a2; background: #db61a2; } .s5 { stroke: #d4a72c; background: #d4a72c; }
`;
