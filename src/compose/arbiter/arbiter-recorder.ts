/** The arbiter's own recorder: its steps go into its history, and it alone keeps the file from growing without end. */
import { problemOf } from '../../base/errors.ts'
import type { History } from '../../flight-recorder/history.ts'
import { rotate } from '../../flight-recorder/rotate.ts'
import type { Transition } from '../../ipc/transition.ts'
import type { Log } from '../../log/error-log.ts'
import { createRecorder, type Recorder, type RecorderOptions, recorderPath } from '../recorder.ts'

export interface ArbiterRecorder extends Recorder {
  /** The steps of a child. */
  take(steps: readonly Transition[], dropped: number): void
}

export interface ArbiterRecorderOptions {
  readonly settings: RecorderOptions['settings'] & { readonly flightRecorderMax: number }
  readonly history: History
  /** Who looks on as well; what it throws is lost. */
  readonly onInspect: ((inspected: unknown) => void) | null
  log(): Log
}

const mib = 2 ** 20

export function createArbiterRecorder({ settings, history, onInspect, log }: ArbiterRecorderOptions): ArbiterRecorder {
  const path = recorderPath(settings)
  const bytesMax = settings.flightRecorderMax * mib
  let isRotating = false

  function onSize(bytes: number): void {
    if (path === null || isRotating || bytesMax === 0 || bytes < bytesMax) return
    isRotating = true
    rotate(path, bytesMax)
      .then((isDone) => {
        if (isDone) log().event('recorder.rotated', { path })
        recorder.reopen()
      })
      .catch((error: unknown) => log().event('log.failed', { destination: path, problem: `cannot be rotated: ${problemOf(error)}` }))
      .finally(() => {
        isRotating = false
      })
  }

  const recorder = createRecorder({
    who: { role: 'arbiter', slot: null, age: null },
    settings,
    log,
    record: history.add,
    onSize,
  })
  return {
    ...recorder,
    inspect(label) {
      const record = recorder.inspect(label)
      if (onInspect === null) return record
      return (inspected) => {
        record(inspected)
        try {
          onInspect(inspected)
        } catch {
          // Thrown into XState, it would leave the chart stuck in the middle of its step.
        }
      }
    },
    take(steps, dropped) {
      if (dropped > 0) {
        history.countDropped(dropped)
        log().event('recorder.dropped', { count: dropped })
      }
      for (const step of steps) history.add(step)
      // They stand in the file too, which may grow by those of children alone.
      recorder.look()
    },
  }
}
