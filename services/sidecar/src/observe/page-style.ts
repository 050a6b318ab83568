/** Light and dark, phone and desktop. Nothing is told by colour alone: states and changes have signs, lines have dashes. */
export const STYLE = `
:root { color-scheme: light dark; --line: #8886; --soft: light-dark(#57606a, #9da7b3); --up: light-dark(#1a7f37, #4cc26b); --down: light-dark(#b3260a, #ff8a70); --ink: light-dark(#0550ae, #79c0ff); --card: light-dark(#fff, #161b22) }
* { box-sizing: border-box }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem; background: light-dark(#f6f8fa, #0d1117); color: light-dark(#1f2328, #e6edf3) }
header { display: flex; align-items: baseline; gap: .3rem 1rem; flex-wrap: wrap }
h1, h2, p { margin: 0 }
h1 { font-size: 1.3rem } h2 { font-size: 1.1rem }
header p, small, dt, figcaption { color: var(--soft); font-weight: normal }
section { background: var(--card); border: 1px solid var(--line); border-left: .4rem solid var(--soft); border-radius: .4rem; padding: .8rem 1rem; margin: 1rem 0 }
section.up { border-left-color: var(--up) } section.down { border-left: .4rem double var(--down) }
.up strong, .up, .mark.up text { color: var(--up); fill: var(--up) } .down strong, .down, .mark.down text { color: var(--down); fill: var(--down) }
section.up, section.down { color: inherit }
dl { display: grid; grid-template-columns: minmax(6rem, 9rem) 1fr; gap: .15rem 1rem; margin: .6rem 0 }
dd { margin: 0; font-family: ui-monospace, monospace; font-size: .85rem; overflow-wrap: anywhere }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); gap: .8rem }
figure { margin: 0; display: flex; flex-direction: column; justify-content: space-between } figcaption { font-size: .8rem } figcaption b { color: light-dark(#1f2328, #e6edf3) }
svg { display: block; margin-top: auto; width: 100%; height: auto }
svg path { fill: none; stroke: var(--ink); stroke-width: 1.5; vector-effect: non-scaling-stroke }
svg .axis { stroke: var(--line); stroke-width: 1 } svg .dashed { stroke-dasharray: 4 2 }
svg .bars { fill: var(--down); stroke: var(--down); stroke-width: 1 } svg .outlined { stroke: var(--soft); stroke-width: 1 }
svg .mark path { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 1 3 } svg text { font-size: 9px; text-anchor: middle; fill: currentColor }
.codes { margin: .6rem 0; overflow-wrap: anywhere }
details { margin-top: .5rem } summary { cursor: pointer }
.scroll { overflow: auto; max-height: 17rem } table { border-collapse: collapse; font-size: .85rem; width: 100% }
th { text-align: left; font-weight: 600 } th, td { padding: .2rem 1rem .2rem 0; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
time, code, td span { white-space: nowrap } .time { display: flex; justify-content: space-between; font-size: .7rem; color: var(--soft) }
@media (max-width: 40rem) {
  dl { grid-template-columns: 1fr } dt { margin-top: .2rem } thead { display: none } table, tbody { display: block }
  tr { display: flex; flex-wrap: wrap; gap: 0 .8rem; border-bottom: 1px solid var(--line); padding: .25rem 0 } td { border: 0; padding: 0 }
}
nav { display: flex; gap: .3rem 1.5rem; flex-wrap: wrap }
a { color: var(--ink) }
`

/**
 * What a browser may load for the page: this style, and nothing else (Content Security Policy Level 3). It may not be
 * framed by others. An `import` of `node:crypto` would be loaded at each start, also where nobody looks at the page.
 */
export function contentSecurityPolicy(): string {
  const { createHash } = process.getBuiltinModule('node:crypto')
  const hash = createHash('sha256').update(STYLE).digest('base64')
  return `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
}
