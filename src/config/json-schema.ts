import { isHook, sameAsOf, spellingsOf } from './row.ts'
import { settings } from './settings.ts'

/** The JSON Schema (draft-07) of monoceros.config.json and of the `monoceros` key in package.json, made from the table. */
export function jsonSchema(): object {
  const properties: Record<string, object> = { $schema: { type: 'string' } }
  for (const row of settings) {
    if (isHook(row) || row.isCallersOnly === true) continue
    const value = row.default === null ? { anyOf: [row.type.json, { type: 'null' }] } : row.type.json
    properties[row.name] = { description: row.doc, ...value, ...(sameAsOf(row) === null ? { default: row.default } : {}) }
    for (const spelled of spellingsOf(row).slice(1)) properties[spelled] = { $ref: `#/properties/${row.name}` }
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of monoceros',
    type: 'object',
    properties,
    additionalProperties: false,
  }
}
