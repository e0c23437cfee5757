// Runs after tsc: writes the schema that editors find as monoceros/schema.json.
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const dist = resolve(process.argv[2] ?? 'dist')
const { jsonSchema } = await import(pathToFileURL(join(dist, 'src/config/json-schema.js')))

writeFileSync(join(dist, 'schema.json'), `${JSON.stringify(jsonSchema(), null, 2)}\n`)
