import { work } from './work.js'

export class BenchJobs {
  work(data) {
    return work(data)
  }
}
