interface Hearer {
  readonly hear: (facts: never) => unknown
}

/** Listeners of events by name; `Facts` has what each event brings. */
export interface Hearing<Facts> {
  /** One function given twice is two listeners. @returns what ends it */
  on<Name extends keyof Facts>(name: Name, listener: (facts: Facts[Name]) => void): () => void
  tell<Name extends keyof Facts>(name: Name, facts: Facts[Name]): void
}

/** @param onProblem hears of a listener that threw, or whose promise failed; it is not called again */
export function createHearing<Facts>(onProblem: (name: keyof Facts, error: unknown) => void): Hearing<Facts> {
  const hearers = new Map<keyof Facts, Set<Hearer>>()
  return {
    on(name, listener) {
      const present = hearers.get(name) ?? new Set()
      const hearer = { hear: listener }
      hearers.set(name, present.add(hearer))
      return () => void present.delete(hearer)
    },
    tell(name, facts) {
      const present = hearers.get(name) ?? new Set()
      // A copy: who is added while it is told hears of the next one.
      for (const hearer of [...present]) {
        const failed = (error: unknown) => {
          present.delete(hearer)
          onProblem(name, error)
        }
        try {
          const answer = hearer.hear(facts as never)
          if (answer instanceof Promise) answer.catch(failed)
        } catch (error) {
          // It may be in the middle of a chart's step: whoever looks on must not stop what it looks at.
          failed(error)
        }
      }
    },
  }
}
