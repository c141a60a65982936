// Confirms a device login, or aborts it: confirm.mjs URL CODE ACCOUNT [abort]. With
// verification_uri_complete for the URL, CODE is not asked for.

import { browse } from './browser.mjs'

const [address, code, account, abort] = process.argv.slice(2)
const shown = await browse(address, { account, code, abort })
console.log(shown)
process.exitCode = shown.includes(abort ? 'interrupted' : 'Sign-in Success') ? 0 : 1
