import { poolContract } from '../support/pool-contract.ts'

poolContract('thread')
