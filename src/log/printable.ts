// C0, DEL and C1 move the cursor or start a line; the separators and the direction marks make a line look like another.
const unprintable = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** The text with everything escaped that could start a line, move a cursor or turn the reading direction. */
export function printable(text: string): string {
  return text.replace(unprintable, escapeOf)
}

function escapeOf(character: string): string {
  const code = character.charCodeAt(0)
  return shortEscapes[character] ?? (code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`)
}
