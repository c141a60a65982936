// npm's oidc-provider as fast as it is by itself: in memory, without TLS and without a line for
// each request; client credentials give an access token that is a JWT signed with EdDSA, for a
// resource of that name, and an opaque one, which it introspects, without a resource. Arguments:
// its port.

import { generateKeyPairSync } from 'node:crypto'
import { errors, Provider } from 'oidc-provider'

const [port] = process.argv.slice(2)
const { privateKey } = generateKeyPairSync('ed25519')
const key = { ...privateKey.export({ format: 'jwk' }), kid: 'bench', alg: 'EdDSA', use: 'sig' }
const resource = 'https://api.example.org'

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [key] },
  clients: [
    {
      client_id: 'service',
      client_secret: process.env.CLIENT_SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'EdDSA',
    },
  ],
  scopes: ['read', 'write'],
  enabledJWA: {
    idTokenSigningAlgValues: ['EdDSA'],
    clientAuthSigningAlgValues: ['EdDSA'],
  },
  ttl: { ClientCredentials: 600 },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_ctx, indicator) {
        if (indicator !== resource) {
          throw new errors.InvalidTarget()
        }
        return {
          scope: 'read write',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'EdDSA' } },
        }
      },
    },
  },
})
provider.on('server_error', (_ctx, error) => console.error(error))
// At half the rate some connections wait longer for their turn than the five seconds of Node.
provider.listen(Number(port), '127.0.0.1').keepAliveTimeout = 120_000
