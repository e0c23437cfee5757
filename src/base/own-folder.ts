import { fileURLToPath } from 'node:url'

// A bundler that writes CommonJS leaves it undefined.
const here = import.meta.url as string | undefined

/** The folder of our own code, by which its frames are known in a stack; null in a file that a user's bundler has made. */
export const ownFolder: string | null =
  here !== undefined && /\/src\/(?:base|entry)\/[^/]+$/.test(here) ? fileURLToPath(new URL('..', here)) : null
