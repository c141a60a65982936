// A person with Debian's Chromium, in which no page runs a script, at the pages of
// pam-jwt-authserver; and a client's site on the loopback, which they come back to and which would
// frame a page.
//
// Reads JSON, a list of what the person does:
//   ["open", ADDRESS], ["type", LABEL, TEXT], ["press", BUTTON], ["forget"]
//   ["look", NAME]: takes pictures of the page, NAME.SCHEME.SIZE.png, and judges it
//   ["see"]: the same without
// and prints what was seen, a list.

import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { launch } from './chromium.mjs'
import { judge } from './judge.mjs'

const SITE = 5555
const SIZES = { wide: [1280, 800], phone: [390, 844], narrow: [320, 568] }

// A page that nobody should have to use.
const BAD = `<title>Other</title><body style="background: #fff">
  <h1>Title</h1><h2>More</h2><img src="/">
  <p style="color: #999">grey <a style="white-space: nowrap">${'long '.repeat(100)}</a>
  <p class="error">Wrong<input name="unnamed" style="border: 1px solid #ddd; font-size: 10px">`

const site = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://site')
  const framed = searchParams.get('framed')
  const frame = framed ? `<iframe src="${framed.replaceAll('&', '&amp;')}"></iframe>` : ''
  response.setHeader('content-type', 'text/html')
  response.end(pathname === '/bad' ? BAD : `<p>This is the client.${frame}`)
})
await new Promise((resolve) => site.listen(SITE, '127.0.0.1', resolve))

const browser = await launch()
let page, status
async function forget() {
  await page?.context().close()
  // The test's certificate authority is not one of Chromium's own.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false })
  context.setDefaultTimeout(30_000)
  page = await context.newPage()
  const current = page
  page.on('response', (response) => {
    const request = response.request()
    const main = request.isNavigationRequest() && request.frame() === current.mainFrame()
    if (main) status = response.status()
  })
}

async function see() {
  const frames = []
  for (const frame of page.frames().slice(1)) frames.push(await frame.content())
  return {
    address: page.url(),
    status,
    title: await page.title(),
    text: await page.innerText('body'),
    content: await page.content(),
    values: await page
      .locator('input:not([type=hidden])')
      .evaluateAll((all) => all.map((one) => [one.type, one.value, one.autocomplete])),
    frames,
  }
}

async function look(name) {
  const wrong = []
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    for (const [size, [width, height]] of Object.entries(SIZES)) {
      await page.setViewportSize({ width, height })
      const found = await page.evaluate(judge)
      wrong.push(...found.map((what) => `${name}, ${colorScheme}, ${size}: ${what}`))
      const path = `${name}.${colorScheme}.${size}.png`
      if (size !== 'narrow') await page.screenshot({ path, fullPage: true, caret: 'initial' })
    }
  }
  return { ...(await see()), wrong }
}

const does = {
  forget,
  see,
  look,
  open: async (address) => void (await page.goto(address)),
  type: (label, what) => page.getByLabel(label, { exact: true }).fill(what),
  press: async (button) => {
    const pressed = page.getByRole('button', { name: button, exact: true })
    await Promise.all([page.waitForEvent('framenavigated'), pressed.click()])
    await page.waitForLoadState()
  },
}

const seen = []
await forget()
for (const [what, ...how] of JSON.parse(await text(process.stdin))) {
  const found = await does[what](...how).catch(async (error) => {
    error.message += `\n${what} ${how} at ${page.url()}:\n${await page.innerText('body')}`
    throw error
  })
  if (found) seen.push(found)
}
console.log(JSON.stringify(seen))
await browser.close()
site.close()
