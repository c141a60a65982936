// A person with Debian's Chromium, who does what the pages of pam-jwt-authserver ask for:
// person.mjs ADDRESS ACCOUNT PASSWORD [CODE]. Prints what the last page shows, which asks for
// nothing more.

import { launch } from './chromium.mjs'

const [address, account, password, code] = process.argv.slice(2)

// What is done on a page that has such a field, or such a button.
const steps = [
  ['[name=account]', (page) => page.fill('[name=account]', account)],
  ['[type=password]', (page) => page.fill('[type=password]', password)],
  ['[name=user_code]', (page) => page.fill('[name=user_code]', code)],
  ['[name=decision]', () => {}],
]

const browser = await launch()
// The test's certificate authority is not one of Chromium's own.
const context = await browser.newContext({ ignoreHTTPSErrors: true })
context.setDefaultTimeout(60_000)
const page = await context.newPage()
await page.goto(address)
for (let turn = 0; turn < 10 && (await page.locator('form').count()); turn++) {
  for (const [selector, action] of steps) {
    if (await page.locator(selector).count()) {
      await action(page)
      // The first button goes on.
      await Promise.all([
        page.waitForEvent('framenavigated'),
        page.locator('[type=submit]').first().click(),
      ])
      await page.waitForLoadState()
      break
    }
  }
}
console.log(await page.innerText('body'))
await browser.close()
