// Token exchange (RFC 8693), which oidc-provider leaves to a grant type of one's own: an
// access token of this provider's becomes a short one for one host.

import { errors } from 'oidc-provider'
import { createLocalJWKSet, jwtVerify } from 'jose'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'
const SECONDS = 120

const parameters = [
  'audience',
  'resource',
  'scope',
  'requested_token_type',
  'subject_token',
  'subject_token_type',
]

// Whose token it is. One that is no JWT is stored; a JWT is not.
async function accountOf(provider, jwks, token) {
  const stored = await provider.AccessToken.find(token)
  if (stored) {
    return stored.accountId
  }
  const expected = { issuer: provider.issuer, typ: 'at+jwt' }
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), expected)
    return payload.sub
  } catch (error) {
    throw new errors.InvalidGrant(`subject_token: ${error.message}`)
  }
}

// A token of an account's for one host, not yet saved: that is what signs it.
export async function newToken(provider, client, accountId, host, server) {
  const grant = new provider.Grant({ accountId, clientId: client.clientId })
  const grantId = await grant.save()
  const token = new provider.AccessToken({ accountId, client, grantId, gty: 'token_exchange' })
  token.resourceServer = new provider.ResourceServer(host, server)
  return token
}

export function registerTokenExchange(provider, jwks, resourceServer) {
  async function exchange(ctx) {
    const { client, params } = ctx.oidc
    if (!params.subject_token || ![ACCESS_TOKEN, JWT].includes(params.subject_token_type)) {
      throw new errors.InvalidRequest('subject_token has to be an access token')
    }
    if (![undefined, ACCESS_TOKEN, JWT].includes(params.requested_token_type)) {
      throw new errors.InvalidRequest('only access tokens are issued')
    }
    const accountId = await accountOf(provider, jwks, params.subject_token)
    const host = params.resource ?? params.audience
    const server = { ...resourceServer(host), accessTokenTTL: SECONDS }
    const token = await newToken(provider, client, accountId, host, server)
    ctx.oidc.entity('AccessToken', token)
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: ACCESS_TOKEN,
      token_type: token.tokenType,
      expires_in: token.expiration,
    }
  }
  provider.registerGrantType(TOKEN_EXCHANGE, exchange, parameters)
}
