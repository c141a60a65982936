// What a terminal shows of what a program printed, which is read from standard input: xterm.js
// draws it in Chromium. picture.mjs FILE FOREGROUND BACKGROUND…, each file being a PNG.

import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import { launch } from './chromium.mjs'

const printed = await text(process.stdin)
const xterm = (path) => fileURLToPath(new URL(`node_modules/@xterm/xterm/${path}`, import.meta.url))
const browser = await launch()
const page = await browser.newPage()
for (let words = process.argv.slice(2); words.length; words = words.slice(3)) {
  const [path, foreground, background] = words
  await page.setContent('<body style="margin: 0"><div></div>')
  await page.addStyleTag({ path: xterm('css/xterm.css') })
  await page.addScriptTag({ path: xterm('lib/xterm.js') })
  await page.evaluate(
    async ({ printed, theme }) => {
      const terminal = new Terminal({ cols: 80, rows: 50, fontFamily: 'DejaVu Sans Mono', theme })
      terminal.open(document.querySelector('div'))
      await new Promise((resolve) => terminal.write(printed, resolve))
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    },
    { printed, theme: { foreground, background, cursor: background } },
  )
  await page.locator('.xterm-screen').screenshot({ path })
}
await browser.close()
