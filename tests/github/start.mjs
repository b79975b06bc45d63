// A GitHub emulated by others, with one repository: node start.mjs FOLDER TOKEN, where
// FOLDER is what install.sh filled. Says its address in its first line, then answers each line of its input, a
// path, with what it has there, and ends with its input.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [folder, token] = process.argv.slice(2)
const { createEmulator } = await import(pathToFileURL(`${folder}/node_modules/emulate/dist/api.js`))
const FILE = 'hub:\n  allowed_domains:\n    - a.ca\n    - z.ca # the last\n'
const github = await createEmulator({
  service: 'github',
  port: 0,
  seed: {
    tokens: { [token]: { login: 'ann', scopes: ['repo'] } },
    github: { users: [{ login: 'ann' }], repos: [{ owner: 'ann', name: 'r', auto_init: true }] },
  },
})
const ask = async (path, options) => {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(github.url + path, { headers, ...options })
  return answer.text()
}
const content = Buffer.from(FILE).toString('base64')
await ask('/repos/ann/r/contents/values/hub.yaml', {
  method: 'PUT',
  body: JSON.stringify({ message: 'A list', content }),
})
console.log(JSON.stringify(github.url))
for await (const path of createInterface({ input: process.stdin })) {
  console.log(await ask(path))
}
await github.close()
process.exit(0)
