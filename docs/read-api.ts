/** The public API, read from the sources: what each door exports, as it is declared there, with its docstring. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseAst } from 'rolldown/parseAst'

export interface Doc {
  readonly text: string
  readonly params: readonly { readonly name: string; readonly text: string }[]
  readonly returns: string | null
  readonly throws: readonly string[]
  readonly examples: readonly string[]
}

export interface ApiExport {
  readonly name: string
  /** File of the declaration, from the top of the repository. */
  readonly path: string
  /** The declaration without what it does: members with their docstrings, no bodies. */
  readonly signature: string
  /** Null: it has none. */
  readonly doc: Doc | null
  /** Docstrings of its members, by name. */
  readonly members: Readonly<Record<string, Doc>>
}

export interface Door {
  /** As it is imported. */
  readonly name: string
  readonly doc: Doc | null
  readonly exports: readonly ApiExport[]
}

const root = join(import.meta.dirname, '..')
const doors = { monoceros: 'src/index.ts', 'monoceros/dirty': 'src/dirty.ts', 'monoceros/bullmq': 'src/bullmq.ts' }

export const readApi = (): readonly Door[] =>
  Object.entries(doors).map(([name, path]) => {
    const { text } = moduleAt(path)
    return { name, doc: docBefore(text, 0, text.search(/^(?:import|export)\b/m)), exports: exportsOf(path) }
  })

/** What is read of a syntax tree. */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  // biome-ignore lint/suspicious/noExplicitAny: the tree has forty kinds of node
  readonly [part: string]: any
}

interface Module {
  readonly text: string
  readonly body: readonly Node[]
}

const modules = new Map<string, Module>()

function moduleAt(path: string): Module {
  let known = modules.get(path)
  if (known === undefined) {
    const text = readFileSync(join(root, path), 'utf8')
    known = { text, body: parseAst(text, { lang: 'ts', astType: 'ts' }).body as unknown as Node[] }
    modules.set(path, known)
  }
  return known
}

function exportsOf(path: string): ApiExport[] {
  const found: ApiExport[] = []
  for (const node of moduleAt(path).body) {
    if (node.type !== 'ExportNamedDeclaration' || node['source'] === null) continue
    const from = join(dirname(path), node['source'].value)
    for (const { local, exported } of node['specifiers']) found.push(declarationOf(from, local.name, exported.name))
  }
  return found.sort((one, other) => order(one) - order(other) || one.name.localeCompare(other.name, 'en'))
}

/** What one calls comes first, then values and classes, then what is only a type. */
function order({ name, signature }: ApiExport): number {
  const word = signature.split(' ', 1)[0] ?? ''
  if (word === 'function') return 0
  if (word === 'const') return 1
  if (word === 'class' || word === 'abstract') return name.endsWith('Error') ? 3 : 2
  return 4
}

function declarationOf(path: string, local: string, name: string): ApiExport {
  const { text, body } = moduleAt(path)
  for (const [index, node] of body.entries()) {
    if (node.type !== 'ExportNamedDeclaration') continue
    const passed = node['specifiers'].find((one: Node) => one['exported'].name === local)
    if (passed !== undefined && node['source'] !== null)
      return declarationOf(join(dirname(path), node['source'].value), passed.local.name, name)
    const declared: Node | null = node['declaration']
    if (declared === null) continue
    const named = declared.type === 'VariableDeclaration' ? declared['declarations'][0] : declared
    if (named.id?.name !== local) continue
    const from = body[index - 1]?.end ?? 0
    return {
      name,
      path,
      signature: overloads(body, local, declared)
        .map((one) => signatureOf(text, one))
        .join('\n'),
      doc: docBefore(text, from, node.start),
      members: membersOf(text, declared),
    }
  }
  throw new Error(`${path} declares no ${local}`)
}

/** Of a function that is declared in several ways, these: the last one is how it is made. */
function overloads(body: readonly Node[], name: string, declared: Node): readonly Node[] {
  const ways = body.map((node) => node['declaration']).filter((one) => one?.type === 'TSDeclareFunction' && one.id.name === name)
  return ways.length === 0 ? [declared] : ways
}

function signatureOf(text: string, node: Node): string {
  const slice = (from: number, to: number) => text.slice(from, to).trim()
  switch (node.type) {
    case 'FunctionDeclaration':
      return slice(node.start, node['body'].start)
    case 'VariableDeclaration': {
      const { id, init } = node['declarations'][0]
      if (id.typeAnnotation != null) return `const ${slice(id.start, id.typeAnnotation.end)}`
      if (init?.type !== 'ArrowFunctionExpression' || init.returnType == null) throw new Error(`${id.name} says no type`)
      const open = text.indexOf('(', init.start)
      return `function ${id.name}${slice(init.typeParameters?.start ?? open, init.returnType.end)}`
    }
    case 'ClassDeclaration': {
      const members = publicMembers(node)
      const head = slice(node.start, node['body'].start)
      if (members.length === 0) return `${head} {}`
      return `${head} {\n${members.map((member) => `  ${memberText(text, node['body'], member)}`).join('\n')}\n}`
    }
    default:
      return slice(node.start, node.end).replace(/^\s*\/\/ biome-ignore.*\n/gm, '')
  }
}

const publicMembers = (node: Node): Node[] =>
  node['body'].body.filter(
    (member: Node) =>
      !['private', 'protected'].includes(member['accessibility']) && member['key']?.type !== 'PrivateIdentifier' && !member['override'],
  )

function memberText(text: string, body: Node, member: Node): string {
  const code = text.slice(member.start, member['value']?.body?.start ?? member.end).trim()
  const comment = commentBefore(text, endBefore(body, member), member.start)
  return comment === null ? code : `${comment}\n  ${code}`
}

function membersOf(text: string, node: Node): Record<string, Doc> {
  const bodies: Node[] =
    node.type === 'TSTypeAliasDeclaration' ? literalsIn(node['typeAnnotation']) : [node['body']].filter((body) => Array.isArray(body?.body))
  const all = bodies.flatMap((body) =>
    (body['members'] ?? body['body']).map((member: Node) => [member['key']?.name, docBefore(text, endBefore(body, member), member.start)]),
  )
  return Object.fromEntries(all.filter(([name, doc]) => name !== undefined && doc !== null))
}

function literalsIn(type: Node): Node[] {
  if (type.type === 'TSIntersectionType' || type.type === 'TSUnionType') return type['types'].flatMap(literalsIn)
  return type.type === 'TSTypeLiteral' ? [type] : []
}

function endBefore(body: Node, member: Node): number {
  const all: Node[] = body['members'] ?? body['body']
  return all[all.indexOf(member) - 1]?.end ?? body.start
}

/** The docstring that belongs to what begins at `to`; line comments may stand between. */
function commentBefore(text: string, from: number, to: number): string | null {
  return /\/\*\*(?:(?!\*\/)[\s\S])*\*\/(?=\s*(?:\/\/.*\s*)*$)/.exec(text.slice(from, to))?.[0] ?? null
}

function docBefore(text: string, from: number, to: number): Doc | null {
  const comment = commentBefore(text, from, to)
  return comment === null ? null : parseDoc(comment)
}

function parseDoc(comment: string): Doc {
  const lines = comment
    .replace(/^\/\*\*\s?|\s*\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
  const parts: { tag: string; lines: string[] }[] = [{ tag: '', lines: [] }]
  for (const line of lines) {
    const tagged = /^@(\w+)\s*(.*)$/.exec(line)
    if (tagged === null) parts.at(-1)?.lines.push(line)
    else parts.push({ tag: tagged[1] ?? '', lines: [tagged[2] ?? ''] })
  }
  const known = ['', 'param', 'returns', 'throws', 'example']
  const strange = parts.find(({ tag }) => !known.includes(tag))
  if (strange !== undefined) throw new Error(`a docstring has @${strange.tag}, which is none of ${known.slice(1).join(', ')}`)
  const texts = (tag: string) => parts.filter((part) => part.tag === tag).map((part) => part.lines.join('\n').trim())
  const flat = (part: string) => part.replace(/\s*\n\s*/g, ' ')
  return {
    text: texts('')[0] ?? '',
    params: texts('param').map((part) => {
      const [, name = '', told = ''] = /^(\S+)\s*([\s\S]*)$/.exec(part) ?? []
      return { name, text: flat(told) }
    }),
    returns: texts('returns').map(flat)[0] ?? null,
    throws: texts('throws').map(flat),
    examples: texts('example'),
  }
}
