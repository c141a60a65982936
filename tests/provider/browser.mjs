// Debian's Chromium without a screen, and people who fill in what oidc-provider's pages ask
// for. On standard input it takes lines of ADDRESS ACCOUNT [CODE [abort]], and answers each
// with what the last page shows.

import { createInterface } from 'node:readline'
import { launch } from './chromium.mjs'

// What is done on a page that has such an element; on one that has another of these, nothing.
const steps = ({ account, code, abort }) => [
  ['p.red, pre strong, h1:text("Success")', undefined],
  [
    'input[type=text][name=user_code]',
    async (page) => {
      await page.fill('input[name=user_code]', code)
      await page.click('[type=submit]')
    },
  ],
  [
    'input[name=login]',
    async (page) => {
      await page.fill('input[name=login]', account)
      await page.fill('input[name=password]', 'any will do')
      await page.click('[type=submit]')
    },
  ],
  [
    '[id="op.deviceConfirmForm"]',
    (page) => page.click(abort ? 'button[name=abort]' : 'button[autofocus]'),
  ],
  [
    'form:has([name=prompt][value=consent])',
    (page) => page.click(abort ? 'a[href$=abort]' : '[type=submit]'),
  ],
]

// Opens an address and does what the pages ask for, as `someone`: an account, the code to
// enter, whether to abort. Ends where a page asks for nothing, or at an address on the
// loopback; what is shown there.
async function browse(browser, address, someone) {
  // The test's certificate authority is not one of Chromium's own.
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const issuer = new URL(address).hostname
  const local = (url) => url.hostname === '127.0.0.1'
  // The pages would have a font from afar.
  const afar = (url) => url.hostname !== issuer && !local(url)
  await page.route(afar, (route) => route.abort())
  await page.goto(address)
  const known = steps(someone)
  const any = known.map(([selector]) => selector).join(', ')
  for (let turn = 0; ; turn++) {
    await Promise.race([
      page.waitForSelector(any, { state: 'attached' }),
      page.waitForURL(local),
    ])
    let act
    for (const [selector, action] of known) {
      if (await page.locator(selector).count()) {
        act = action
        break
      }
    }
    if (act === undefined || turn === 10) {
      const shown = await page.innerText('body')
      await context.close()
      return shown
    }
    await Promise.all([page.waitForEvent('framenavigated'), act(page)])
  }
}

const browser = await launch()
for await (const line of createInterface({ input: process.stdin })) {
  const [address, account, code, abort] = line.split(' ')
  console.log(await browse(browser, address, { account, code, abort }))
  console.log('-- that was shown')
}
await browser.close()
