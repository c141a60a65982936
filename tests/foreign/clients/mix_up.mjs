// A client of two servers, of which one sends it to the other: openid-client and oauth4webapi tell
// whose answer it is (RFC 9207). See client.mjs.

import { browse, given, load, redirect, refused } from './client.mjs'

const oauth = await load('oauth4webapi')
const openid = await load('openid-client')
const issuer = new URL(given.issuer)
const got = {}

const answer = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' })
const as = await oauth.processDiscoveryResponse(issuer, answer)
// What another server says of itself: its authorization endpoint is this one's, and the code would
// go to its own token endpoint.
const other = {
  ...as,
  issuer: 'https://other.example.org',
  token_endpoint: 'https://other.example.org/token',
}
const app = { client_id: 'app' }
const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const address = new URL(other.authorization_endpoint)
address.search = new URLSearchParams({
  client_id: 'app',
  response_type: 'code',
  redirect_uri: redirect,
  scope: 'read',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
})
const back = new URL(browse(address))

// The same answer, as whoever stands between would have it.
const with_iss = (iss) => {
  const changed = new URL(back)
  changed.searchParams.delete('iss')
  if (iss) changed.searchParams.set('iss', iss)
  return changed
}
const validate = async (server, response) => oauth.validateAuthResponse(server, app, response, state)
const redeem = async (server, response) => {
  const configuration = new openid.Configuration(server, 'app', {}, openid.None())
  const checks = { pkceCodeVerifier: verifier, expectedState: state }
  return openid.authorizationCodeGrant(configuration, response, checks)
}
got.refused = {}
for (const [name, act] of Object.entries({ oauth4webapi: validate, 'openid-client': redeem })) {
  got.refused[name] = [
    await refused(act(other, back)),
    await refused(act(as, with_iss(other.issuer))),
    await refused(act(as, with_iss(null))),
  ]
}
// Nobody has sent the code anywhere.
got.code = await redeem(as, back)

console.log(JSON.stringify(got))
