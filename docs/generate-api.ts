import { type ApiExport, type Doc, type Door, readApi } from './read-api.ts'

export function apiPage(): string {
  const doors = readApi()
  const told = onceEach(doors)
  const anchors = anchorsOf(told)
  return `# API

What programs import. Modules and CommonJS (\`require\`, from Node 20.19 on) get the same.

${doors.map(({ name, exports }) => `- \`${name}\`: ${exports.map((one) => link(one.name, anchors)).join(', ')}`).join('\n')}

${told.map((door) => doorPart(door, anchors)).join('\n\n')}
`
}

/** What two doors export is told at the first. */
function onceEach(doors: readonly Door[]): readonly Door[] {
  const paths = new Map<string, string>()
  const isNew = ({ name, path }: ApiExport): boolean => {
    const known = paths.get(name)
    if (known !== undefined && known !== path) throw new Error(`${name} is two things: of ${known} and of ${path}`)
    paths.set(name, path)
    return known === undefined
  }
  return doors.map((door) => ({ ...door, exports: door.exports.filter(isNew) }))
}

/** Of each export the place of its heading; a second heading of the same letters has a number. */
function anchorsOf(doors: readonly Door[]): ReadonlyMap<string, string> {
  const taken = new Map<string, number>()
  const place = (heading: string): string => {
    const letters = heading.toLowerCase().replace(/[^\w-]/g, '')
    const before = taken.get(letters) ?? 0
    taken.set(letters, before + 1)
    return before === 0 ? letters : `${letters}-${before}`
  }
  place('API')
  return new Map(
    doors.flatMap((door) => [[door.name, place(door.name)], ...door.exports.map(({ name }) => [name, place(name)])] as [string, string][]),
  )
}

const link = (name: string, anchors: ReadonlyMap<string, string>) => `[${name}](#${anchors.get(name)})`
const block = (text: string) => `\`\`\`ts\n${text}\n\`\`\``

function doorPart({ name, doc, exports }: Door, anchors: ReadonlyMap<string, string>): string {
  return [`## ${name}`, ...(doc === null ? [] : [doc.text]), ...exports.map((one) => exportPart(one, anchors))].join('\n\n')
}

function exportPart({ name, signature, doc }: ApiExport, anchors: ReadonlyMap<string, string>): string {
  const words = new Set(signature.replace(/\/\*\*[\s\S]*?\*\//g, '').match(/\b[A-Za-z]\w+\b/g))
  const others = [...words].filter((word) => word !== name && anchors.has(word) && /^[A-Z]/.test(word))
  const links = others.length === 0 ? [] : [`With ${others.map((other) => link(other, anchors)).join(', ')}.`]
  return [`### ${name}`, ...(doc === null ? [] : [doc.text]), block(signature), ...(doc === null ? [] : facts(doc)), ...links].join('\n\n')
}

function facts({ params, returns, throws, examples }: Doc): string[] {
  const list = [
    ...params.map(({ name, text }) => `- \`${name}\`: ${text}`),
    ...(returns === null ? [] : [`- returns ${returns}`]),
    ...throws.map((text) => `- throws ${text}`),
  ]
  return [...(list.length === 0 ? [] : [list.join('\n')]), ...examples.map(block)]
}
