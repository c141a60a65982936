// jose mints and verifies; exchange.py says what is asked and answered. The second
// argument is the directory that jose is installed in.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [command, directory] = process.argv.slice(2)
const jose = await import(createRequire(`${directory}/`).resolve('jose'))

async function mint({ alg, kid, claims }) {
  const symmetric = alg.startsWith('HS')
  const extractable = { extractable: true }
  const secret = symmetric && (await jose.generateSecret(alg, extractable))
  const { publicKey, privateKey } = symmetric
    ? { publicKey: secret, privateKey: secret }
    : await jose.generateKeyPair(alg, extractable)
  return {
    jwk: { ...(await jose.exportJWK(publicKey)), kid, alg },
    pem: symmetric ? null : await jose.exportSPKI(publicKey),
    token: await new jose.SignJWT(claims)
      .setProtectedHeader({ alg, kid, typ: 'at+jwt' })
      .sign(privateKey),
  }
}

async function verify({ alg, jwk, jwks_uri, token, issuer, audience, typ = 'at+jwt' }) {
  const key = jwks_uri
    ? jose.createRemoteJWKSet(new URL(jwks_uri))
    : await jose.importJWK(jwk, alg)
  const identifier = typ === 'at+jwt' ? ['jti'] : []
  const { payload } = await jose.jwtVerify(token, key, {
    algorithms: [alg],
    issuer,
    audience,
    typ,
    requiredClaims: ['sub', 'exp', 'iat', ...identifier],
  })
  return { claims: payload }
}

const does = { mint, verify }[command]
const answers = []
for (const request of JSON.parse(readFileSync(0, 'utf8'))) {
  try {
    answers.push(await does(request))
  } catch (error) {
    answers.push({ refused: error.constructor.name, detail: error.message })
  }
}
process.stdout.write(JSON.stringify(answers))
