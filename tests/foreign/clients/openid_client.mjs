// openid-client, as its documentation has it used: see client.mjs.

import { api, browse, given, load, redirect, refused } from './client.mjs'

const client = await load('openid-client')
const issuer = new URL(given.issuer)
// The signatures of ID tokens are verified also where TLS vouches for them.
const execute = [client.enableNonRepudiationChecks]
if (issuer.protocol === 'http:') {
  execute.push(client.allowInsecureRequests)
}
const discover = (id, authentication, metadata) =>
  client.discovery(issuer, id, metadata, authentication, { execute })
const basic = client.ClientSecretBasic(given.secret)
const got = {}

const service = await discover('service', basic)
const own = await client.clientCredentialsGrant(service, { scope: 'read', resource: api })
got.client_credentials = own

const web = await discover('web', basic)
async function begin() {
  const verifier = client.randomPKCECodeVerifier()
  const checks = {
    pkceCodeVerifier: verifier,
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    idTokenExpected: true,
  }
  const parameters = {
    redirect_uri: redirect,
    scope: 'openid offline_access read',
    resource: api,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
  }
  return { parameters, checks }
}

const { parameters, checks } = await begin()
const callback = new URL(browse(client.buildAuthorizationUrl(web, parameters)))
const tokens = await client.authorizationCodeGrant(web, callback, checks)
got.code = tokens
got.id_token_claims = tokens.claims()
got.userinfo = await client.fetchUserInfo(web, tokens.access_token, tokens.claims().sub)
got.introspection = await client.tokenIntrospection(web, tokens.access_token)

const refreshed = await client.refreshTokenGrant(web, tokens.refresh_token)
got.refresh = refreshed
await client.tokenRevocation(web, refreshed.access_token)
got.revoked = await client.tokenIntrospection(web, refreshed.access_token)
await client.tokenRevocation(web, refreshed.refresh_token)
got.refresh_revoked = await refused(client.refreshTokenGrant(web, refreshed.refresh_token))

const pushed = await begin()
const address = await client.buildAuthorizationUrlWithPAR(web, pushed.parameters)
got.pushed_parameters = [...address.searchParams.keys()].sort()
const answer = new URL(browse(address))
got.pushed = await client.authorizationCodeGrant(web, answer, pushed.checks)
got.again = await refused(client.authorizationCodeGrant(web, answer, pushed.checks))

const device = await client.initiateDeviceAuthorization(web, { scope: 'openid read' })
got.device_page = browse(device.verification_uri_complete)
got.device = await client.pollDeviceAuthorizationGrant(web, device)

if (given.initial_access_token) {
  const metadata = {
    client_name: 'Registered by openid-client',
    redirect_uris: [redirect],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid read',
  }
  const registered = await client.dynamicClientRegistration(issuer, metadata, undefined, {
    initialAccessToken: given.initial_access_token,
    execute,
  })
  got.registered = registered.clientMetadata()
  const one = await begin()
  delete one.parameters.resource
  one.parameters.scope = 'openid read'
  const back = new URL(browse(client.buildAuthorizationUrl(registered, one.parameters)))
  got.registered_code = await client.authorizationCodeGrant(registered, back, one.checks)
}

console.log(JSON.stringify(got))
