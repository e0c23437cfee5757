/** Names of metrics sent to statsd: Gunicorn's own, so that what is drawn from them goes on. */
export const statsdNames = {
  requests: 'gunicorn.requests',
  duration: 'gunicorn.request.duration',
  status: (status: number) => `gunicorn.request.status.${status}`,
  workers: 'gunicorn.workers',
  backlog: 'gunicorn.backlog',
  log: (level: string) => `gunicorn.log.${level}`,
} as const
