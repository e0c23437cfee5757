/** A config file as a user has one: reading it is part of what a start costs. */
export default {
  gracefulTimeout: 10,
}
