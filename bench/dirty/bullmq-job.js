/** The sandboxed processor: it hands back what it was given. */
export default async (job) => job.data
