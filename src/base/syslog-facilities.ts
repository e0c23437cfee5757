/** Names of syslog's facilities, in the order of their numbers; those that have no name in common use are left out. */
const numbered = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  security: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const

export type Facility = keyof typeof numbered

export const facilities = Object.keys(numbered) as [Facility, ...Facility[]]

export const facilityNumber = (facility: Facility): number => numbered[facility]
