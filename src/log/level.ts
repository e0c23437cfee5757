/** Gunicorn's level names, from the most talkative to the most severe, with the weights pino sorts them by. */
export const levelWeights = { debug: 20, info: 30, warning: 40, error: 50, critical: 60 } as const

export type Level = keyof typeof levelWeights
