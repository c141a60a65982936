// npm's oidc-provider with the clients and resources of the tests: tests/machine/provider.rs
// puts it into a machine, with its settings, its certificate and what it imports beside it. The
// argument is its issuer.
//
// On standard input it takes `rotate`, `drop`, `token ACCOUNT RESOURCE` and `stop`, and answers
// all but the last with a line.

import { appendFileSync, readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:https'
import { createInterface } from 'node:readline'
import { errors, Provider } from 'oidc-provider'
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'
import { newToken, registerTokenExchange, TOKEN_EXCHANGE } from './exchange.mjs'
import { Keys } from './keys.mjs'

const beside = (name) => new URL(name, import.meta.url)
const issuer = new URL(process.argv[2])
const settings = JSON.parse(readFileSync(beside('settings.json'), 'utf8'))
const seconds = settings.access_token_seconds ?? 600
const accounts = settings.accounts ?? {}
const cookieKeys = [randomBytes(32).toString('hex')]
const keys = new Keys(beside('keys.json'))

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

const clients = [
  {
    client_id: 'jwt-ssh',
    client_name: 'jwt-ssh',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', DEVICE, TOKEN_EXCHANGE],
    response_types: ['code'],
    // The port is whichever is free (RFC 8252 section 7.3).
    redirect_uris: ['http://127.0.0.1/', 'http://127.0.0.1/callback'],
  },
  {
    client_id: 'pam-jwt',
    client_name: 'pam-jwt',
    client_secret: 'the-secret-of-pam-jwt',
    grant_types: [DEVICE],
    response_types: [],
    redirect_uris: [],
  },
  ...(settings.clients ?? []),
]

// What the tokens say of an account, whose name is its sub: more where the settings have it.
const claimsOf = (name) => ({ preferred_username: name, groups: [], ...accounts[name] })

// Every host is a resource (RFC 8707); a token for one is a JWT for that audience, or opaque.
function resourceServer(resource) {
  if (!/^ssh:\/\/[a-z0-9.-]+$/.test(resource)) {
    throw new errors.InvalidTarget()
  }
  return {
    scope: 'login',
    audience: resource,
    accessTokenFormat: settings.opaque ? 'opaque' : 'jwt',
    accessTokenTTL: seconds,
  }
}

const configuration = {
  // By default each provider has one of its own, which a rotation would empty.
  adapter: createMemoryAdapter(),
  clients,
  cookies: { keys: cookieKeys },
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
  scopes: ['openid', 'offline_access', 'login'],
  // An ID token has the claims of its scopes even where there is an access token.
  conformIdTokenClaims: false,
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...claimsOf(id) }),
  }),
  extraTokenClaims: (_ctx, token) =>
    token.accountId === undefined ? undefined : claimsOf(token.accountId),
  ttl: {
    AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? seconds,
    DeviceCode: settings.device_code_seconds ?? 600,
    IdToken: seconds,
  },
  features: {
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => resourceServer(resource),
    },
  },
}

// A provider with the keys as they are now: oidc-provider reads them once.
function start() {
  const provider = new Provider(issuer.origin, { ...configuration, jwks: keys.jwks })
  registerTokenExchange(provider, keys.published, resourceServer)
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.oidc?.route === 'device_authorization' && ctx.status === 200 && settings.interval) {
      ctx.body.interval = settings.interval
    }
    // Before the answer: whoever has that finds its line here.
    const line = `${ctx.method} ${ctx.path} ${ctx.status} ${ctx.body?.error ?? ''}`
    appendFileSync(beside('requests.log'), `${line}\n`)
    console.log(line)
  })
  provider.on('server_error', (_ctx, error) => console.log(error))
  // More than the client is told.
  for (const event of ['authorization.error', 'grant.error']) {
    provider.on(event, (_ctx, error) => console.log(error.error_detail ?? error.message))
  }
  return provider
}

let provider = start()
const tls = { cert: readFileSync(beside('server.pem')), key: readFileSync(beside('server.key')) }
const server = createServer(tls, (request, response) => provider.callback()(request, response))
server.listen(443, '0.0.0.0', () => console.log(`${issuer.hostname} is ready`))

for await (const line of createInterface({ input: process.stdin })) {
  const [word, account, resource] = line.split(' ')
  switch (word) {
    case 'rotate':
    case 'drop':
      keys[word]()
      provider = start()
      console.log(`${keys.jwks.keys.length} keys, signing with ${keys.signing.kid}.`)
      break
    case 'token': {
      const client = await provider.Client.find('jwt-ssh')
      const server = resourceServer(resource)
      const token = await newToken(provider, client, account, resource, server)
      console.log(`the token is ${await token.save()}.`)
      break
    }
    case 'stop':
      process.exit()
  }
}
