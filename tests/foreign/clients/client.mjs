// What the Node clients here have in common. Their argument is a JSON object: `issuer`,
// `secret` (of the clients web and service), `account`, `password`, `directory` in which the
// packages are, and `initial_access_token`. They print a JSON object of what they got.

import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

export const given = JSON.parse(process.argv[2])
export const redirect = 'http://127.0.0.1:8999/callback'
export const api = 'https://api.example.org'

export const load = (name) =>
  import(pathToFileURL(createRequire(`${given.directory}/`).resolve(name)).href)

const person = new URL('person.py', import.meta.url).pathname

// What a person gets to whom this address is shown, and who does what the pages ask for.
export const browse = (address) =>
  execFileSync('/usr/bin/python3', [person, given.account, given.password, `${address}`], {
    encoding: 'utf8',
  }).trim()

// How a library refuses: the error that it throws, or what the server told it.
export async function refused(promise) {
  try {
    await promise
  } catch (error) {
    return error.error ?? error.code ?? error.name
  }
  return 'nothing'
}
