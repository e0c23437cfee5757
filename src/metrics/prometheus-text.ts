import { type Family, type Labels, numberText } from './family.ts'

export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8'

/** The text exposition format of Prometheus, version 0.0.4. Families without a value are left out. */
export function prometheusText(families: readonly Family[]): string {
  let text = ''
  for (const { name, help, type, samples } of families) {
    if (samples.length === 0) continue
    text += `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
    for (const { suffix = '', labels = {}, value } of samples) text += `${name}${suffix}${labelsText(labels)} ${numberText(value)}\n`
  }
  return text
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
