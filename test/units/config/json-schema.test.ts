import { describe, expect, it } from 'vitest'
import { jsonSchema } from '../../../src/config/json-schema.ts'
import { isHook, spellingsOf } from '../../../src/config/row.ts'
import { settings } from '../../../src/config/settings.ts'
import { configOf, folderWith } from './folder.ts'

const schema = jsonSchema() as { $schema: string; additionalProperties: boolean; properties: Record<string, Record<string, unknown>> }
const inFiles = settings.filter((row) => !isHook(row) && row.isCallersOnly !== true)

describe('the schema for editors', () => {
  it('has every spelling of every setting that a file of data may hold, and nothing else', () => {
    expect(schema.additionalProperties).toBe(false)
    expect(Object.keys(schema.properties).sort()).toEqual(['$schema', ...inFiles.flatMap(spellingsOf)].sort())
    expect(schema.properties['max_requests']).toEqual({ $ref: '#/properties/maxRequests' })
    expect(schema.properties['wsgi_app']).toEqual({ $ref: '#/properties/app' })
  })

  it('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#')
  })

  it('tells types, ranges, words and defaults', () => {
    const { workers, timeout, bootTimeout, loglevel, pidfile, workerConnections } = schema.properties
    expect(workers).toMatchObject({ anyOf: [{ type: 'integer', minimum: 0 }, { const: 'auto' }], default: 1 })
    expect(timeout).toMatchObject({ type: 'number', minimum: 0, maximum: 2_147_483.647 })
    expect(bootTimeout).toMatchObject({ exclusiveMinimum: 0 })
    expect(loglevel).toMatchObject({ enum: ['debug', 'info', 'warning', 'error', 'critical'], default: 'info' })
    expect(pidfile).toMatchObject({ anyOf: [{ type: 'string' }, { type: 'null' }], default: null })
    expect(workerConnections).toMatchObject({ type: 'integer', minimum: 1 })
  })

  it('gives defaults that a file may hold', async () => {
    const told = inFiles.map(({ name }) => [name, schema.properties[name]?.['default']] as const)
    const defaults = Object.fromEntries(told.filter(([, value]) => value !== undefined))
    expect(schema.properties['threadQueueMax']).not.toHaveProperty('default')
    const cwd = folderWith({ 'monoceros.config.json': { $schema: 'x', ...defaults } })
    const { settings: values, origins } = await configOf({ cwd })
    expect(values).toMatchObject({ ...defaults, app: './app.js', chdir: cwd })
    expect(origins.workers).toBe('./monoceros.config.json')
  })
})
