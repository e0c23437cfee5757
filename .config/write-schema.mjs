// Runs after tsc: writes the schema that editors find as monoceros/schema.json.
import { writeFileSync } from 'node:fs'
import { jsonSchema } from '../dist/src/config/json-schema.js'

writeFileSync(new URL('../dist/schema.json', import.meta.url), `${JSON.stringify(jsonSchema(), null, 2)}\n`)
