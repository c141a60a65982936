// Logs in at an authorization endpoint, and follows the redirect to the client's address on
// the loopback: login.mjs URL ACCOUNT [abort].

import { browse } from './browser.mjs'

const [address, account, abort] = process.argv.slice(2)
console.log(await browse(address, { account, abort }))
