import { fileURLToPath } from 'node:url'

/** Where the page of the dashboard is after a build. */
export const pageFolder = fileURLToPath(new URL('../../page', import.meta.url))
