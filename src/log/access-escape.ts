// A compiled expression looks through a long user agent three times faster than a loop over its characters.
const special = /[^\x20\x21\x23-\x5b\x5d-\x7e]/

/** The value as nginx writes it: quote, backslash and all that is not printable ASCII as `\xHH` of its bytes. */
export function escapeValue(value: string): string {
  if (!special.test(value)) return value
  let escaped = ''
  // Header values hold bytes as characters; only what is beyond a byte is text to be encoded.
  for (const character of value) {
    const code = character.codePointAt(0)!
    if (code > 0xff) for (const byte of Buffer.from(character)) escaped += hex(byte)
    else escaped += special.test(character) ? hex(code) : character
  }
  return escaped
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** The value as a JSON string of ASCII only, so that no reader splits a line at a Unicode separator. */
export function jsonString(value: string): string {
  if (!special.test(value)) return `"${value}"`
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
