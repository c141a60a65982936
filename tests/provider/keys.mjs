// The provider's signing keys, in a file: a provider that is started again still has them.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { generateKeyPairSync, randomUUID } from 'node:crypto'

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'RS256', use: 'sig' }
}

export class Keys {
  #file
  #keys

  constructor(file) {
    this.#file = file
    this.#set(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).keys : [newKey()])
  }

  #set(keys) {
    this.#keys = keys
    writeFileSync(this.#file, JSON.stringify(this.jwks), { mode: 0o600 })
  }

  // A new key, which signs from now on. Those before stay published.
  rotate() {
    this.#set([newKey(), ...this.#keys])
  }

  // Publishes only the key that signs.
  drop() {
    this.#set([this.signing])
  }

  // oidc-provider signs with the first that fits.
  get signing() {
    return this.#keys[0]
  }

  get jwks() {
    return { keys: this.#keys }
  }

  get published() {
    return { keys: this.#keys.map(({ kty, n, e, kid, alg, use }) => ({ kty, n, e, kid, alg, use })) }
  }
}
