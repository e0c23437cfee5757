import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../../src/wire/codec.ts'
import { fromThrown, type Thrown, toThrown } from '../../../src/wire/thrown.ts'

const isClonable = (value: unknown) => typeof value !== 'function'
/** There and back, over the wire. */
const sent = (error: unknown) => fromThrown(decode<Thrown>(encode(toThrown(error, isClonable)))) as Error & Record<string, unknown>

describe('an error that crosses processes', () => {
  test('keeps name, message, code and the stack of where it was thrown', () => {
    const error = Object.assign(new Error('no such file'), { code: 'ENOENT', name: 'FileError' })
    const back = sent(error)
    expect(back).toBeInstanceOf(Error)
    expect(back).toMatchObject({ name: 'FileError', message: 'no such file', code: 'ENOENT', stack: error.stack })
    expect(sent(Object.assign(new Error('x'), { code: 7 }))['code']).toBe(7)
    expect(sent(Object.assign(new Error('x'), { code: {} }))).not.toHaveProperty('code')
  })

  test.each([EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])('is a %o again', (BuiltIn) => {
    expect(sent(new BuiltIn('wrong'))).toBeInstanceOf(BuiltIn)
  })

  test('keeps the name of a class that is not known here', () => {
    class OrderError extends RangeError {
      override readonly name = 'OrderError'
    }
    expect(sent(new OrderError('late'))).toMatchObject({ name: 'OrderError', message: 'late' })
    expect(Object.keys(sent(new OrderError('late')))).not.toContain('message')
  })

  test('keeps own fields that can be cloned, and leaves the others behind', () => {
    const back = sent(Object.assign(new Error('x'), { status: 404, when: new Date(5), retry: () => 1 }))
    expect(back).toMatchObject({ status: 404, when: new Date(5) })
    expect(back).not.toHaveProperty('retry')
  })

  test('brings its causes, errors or not', () => {
    const back = sent(new Error('outer', { cause: new TypeError('inner', { cause: 'a word' }) }))
    expect(back.cause).toBeInstanceOf(TypeError)
    expect((back.cause as Error).cause).toMatchObject({ message: 'a word' })
    expect(sent(new Error('alone')).cause).toBeUndefined()
    expect(sent(new Error('x', { cause: null })).cause).toMatchObject({ message: 'null' })
  })

  test('ends a chain of causes that does not end', () => {
    const error = new Error('round')
    error.cause = error
    let depth = 0
    for (let level: unknown = sent(error); level instanceof Error; level = level.cause) depth++
    expect(depth).toBeGreaterThan(4)
    expect(depth).toBeLessThan(20)
  })

  test('may be no error: what was thrown is its message', () => {
    expect(sent('a word').message).toBe('a word')
    expect(sent({ a: 1 }).message).toBe('{"a":1}')
    for (const odd of [undefined, null, 5, Symbol('s'), 5n, () => 1]) expect(sent(odd)).toBeInstanceOf(Error)
    const round: { self?: unknown } = {}
    round.self = round
    expect(sent(round).message).toBe('[object Object]')
  })

  test('may be hostile: it becomes an error nevertheless', () => {
    const hostile = new Error('x')
    Object.defineProperty(hostile, 'message', { get: () => { throw new Error('gotcha') } }) // biome-ignore format: short
    const silent = Object.defineProperty(new Error('x'), 'stack', { value: undefined })
    expect(sent(silent).message).toBe('x')
    expect(sent(hostile)).toBeInstanceOf(Error)
    expect(sent(Object.assign(new Error('x'), { name: 5 }))).toMatchObject({ name: '5' })
    expect(sent({ toJSON() { throw new Error('no') } })).toBeInstanceOf(Error) // biome-ignore format: short
    expect(sent(Object.assign(new Error('x'), JSON.parse('{"__proto__": {"a": 1}}')))).toBeInstanceOf(Error)
  })
})
