// oauth4webapi, a step at a time, as the public client `app` and as `service`: see client.mjs.

import { api, browse, given, load, redirect, refused } from './client.mjs'

const oauth = await load('oauth4webapi')
const issuer = new URL(given.issuer)
const options = { [oauth.allowInsecureRequests]: issuer.protocol === 'http:' }
const got = {}

// Both documents.
const discover = async (algorithm) => {
  const answer = await oauth.discoveryRequest(issuer, { algorithm, ...options })
  return oauth.processDiscoveryResponse(issuer, answer)
}
const as = await discover('oauth2')
got.metadata_agree = JSON.stringify(as) === JSON.stringify(await discover('oidc'))

// RFC 9068 section 4, as the resource server that the token is for.
async function validated(token) {
  const headers = { authorization: `Bearer ${token}` }
  return oauth.validateJwtAccessToken(as, new Request(api, { headers }), api, options)
}

const service = { client_id: 'service' }
const basic = oauth.ClientSecretBasic(given.secret)
const own = await oauth.clientCredentialsGrantRequest(as, service, basic, { resource: api }, options)
const ownToken = await oauth.processClientCredentialsResponse(as, service, own)
got.client_credentials = await validated(ownToken.access_token)

const app = { client_id: 'app' }
const none = oauth.None()
const verifier = oauth.generateRandomCodeVerifier()
const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
const parameters = {
  client_id: 'app',
  response_type: 'code',
  redirect_uri: redirect,
  scope: 'openid offline_access read',
  resource: api,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
}
const push = await oauth.pushedAuthorizationRequest(as, app, none, parameters, options)
const pushed = await oauth.processPushedAuthorizationResponse(as, app, push)
const address = new URL(as.authorization_endpoint)
address.search = new URLSearchParams({ client_id: 'app', request_uri: pushed.request_uri })
const back = new URL(browse(address))
// Whose answer it is, it says (RFC 9207).
got.iss = back.searchParams.get('iss')
const code = oauth.validateAuthResponse(as, app, back, state)
const redeem = await oauth.authorizationCodeGrantRequest(
  as, app, none, code, redirect, verifier, options)
const tokens = await oauth.processAuthorizationCodeResponse(as, app, redeem, {
  expectedNonce: nonce,
  requireIdToken: true,
})
await oauth.validateApplicationLevelSignature(as, redeem, options)
got.id_token_claims = oauth.getValidatedIdTokenClaims(tokens)
got.code = await validated(tokens.access_token)

const asked = await oauth.userInfoRequest(as, app, tokens.access_token, options)
got.userinfo = await oauth.processUserInfoResponse(as, app, got.id_token_claims.sub, asked)

const refresh = await oauth.refreshTokenGrantRequest(
  as, app, none, tokens.refresh_token, options)
const refreshed = await oauth.processRefreshTokenResponse(as, app, refresh)
got.refresh = await validated(refreshed.access_token)
// Used twice, none of that family is good any more (RFC 9700 section 4.14.2).
const again = await oauth.refreshTokenGrantRequest(as, app, none, tokens.refresh_token, options)
got.reused = await refused(oauth.processRefreshTokenResponse(as, app, again))
const after = await oauth.refreshTokenGrantRequest(
  as, app, none, refreshed.refresh_token, options)
got.after_reuse = await refused(oauth.processRefreshTokenResponse(as, app, after))

const apiClient = { client_id: 'api' }
const introspect = async (token) => {
  const answer = await oauth.introspectionRequest(as, apiClient, basic, token, options)
  return oauth.processIntrospectionResponse(as, apiClient, answer)
}
got.reused_token = await introspect(refreshed.access_token)
got.introspection = await introspect(ownToken.access_token)
const revoke = await oauth.revocationRequest(as, service, basic, ownToken.access_token, options)
await oauth.processRevocationResponse(revoke)
got.revoked = await introspect(ownToken.access_token)

const start = await oauth.deviceAuthorizationRequest(
  as, app, none, { scope: 'openid read' }, options)
const device = await oauth.processDeviceAuthorizationResponse(as, app, start)
const poll = () => oauth.deviceCodeGrantRequest(as, app, none, device.device_code, options)
got.pending = await refused(oauth.processDeviceCodeResponse(as, app, await poll()))
got.device_page = browse(device.verification_uri_complete)
await new Promise((resolve) => setTimeout(resolve, (device.interval ?? 5) * 1000))
got.device = await oauth.processDeviceCodeResponse(as, app, await poll())

console.log(JSON.stringify(got))
