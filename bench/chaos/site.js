import { callOnce } from './call.mjs'

export default async (_, res) => res.end(JSON.stringify(await callOnce()))
