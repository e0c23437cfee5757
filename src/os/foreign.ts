/** Foreign commands, and the guard that ends them when nobody else can. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, closeSync, constants, readdirSync, statSync } from 'node:fs'
import type { Socket } from 'node:net'
import { delimiter, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { openPipes } from './pipes.ts'

export interface ForeignSpec {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly uid: number | null
  readonly gid: number | null
  readonly stopSignal: NodeJS.Signals
  readonly graceMs: number
}

export interface ForeignChild {
  readonly process: ChildProcess
  readonly pid: number
  readonly stdout: Readable
  readonly stderr: Readable
}

/**
 * It reads which processes there are until its input ends, which is when the last who could tell it something is gone: then
 * the arbiter has died, and the guard does what was to be done. Lines: `+ PID SIGNAL TENTHS`, a sidecar that leads a process
 * group, with its stop signal and its grace in tenths of a second; `- PID`, reaped; `w PID`, a worker, which goes by itself
 * and for as long may need a sidecar; `p TENTHS`, how long workers are waited for. One that has ended and is not reaped, as
 * by the first process of a container, lives no more.
 */
const guardScript = `
trap '' HUP INT QUIT TERM USR1 USR2 ALRM PIPE
all= workers= patience=300
without() { for one in $1; do [ "\${one%%:*}" = "$2" ] || printf ' %s' "$one"; done; }
alive() {
  kill -0 "$1" || return 1
  state=
  [ ! -r "/proc/$1/status" ] || while read -r key state more; do [ "$key" != State: ] || break; done <"/proc/$1/status"
  [ "$state" != Z ]
}
while read -r what pid signal grace; do
  case $what in
    +) all="$(without "$all" "$pid") $pid:$signal:$grace" ;;
    w) workers="$(without "$workers" "$pid") $pid" ;;
    -) all=$(without "$all" "$pid"); workers=$(without "$workers" "$pid") ;;
    p) patience=$pid ;;
  esac
done
tick=0
while [ -n "$workers" ] && [ -n "$all" ] && [ "$tick" -lt "$patience" ]; do
  left=
  for pid in $workers; do alive "$pid" && left="$left $pid"; done
  workers=$left
  [ -z "$workers" ] || { sleep 0.1; tick=$((tick + 1)); }
done
for one in $all; do
  pid=\${one%%:*} rest=\${one#*:}
  kill "-\${rest%%:*}" "$pid"
done
tick=0
while [ -n "$all" ]; do
  left=
  for one in $all; do
    pid=\${one%%:*}
    if alive "$pid" && [ "$tick" -lt "\${one##*:}" ]; then left="$left $one"; else kill -KILL "-$pid"; fi
  done
  all=$left
  [ -z "$all" ] || { sleep 0.1; tick=$((tick + 1)); }
done
`

/** Tells the guard who it is before it becomes the command: its pid is the command's, and nothing comes between the two. */
const commandScript = 'printf "+ %s %s %s\\n" "$$" "$1" "$2" >&3 || exit 126; shift 2; exec 3>&-; exec "$@"'

/** @throws when there is no shell */
export async function spawnGuard(title: string): Promise<ChildProcess & { readonly pid: number }> {
  // The script is no argument: who lists processes sees what it is, not how. Its name cannot be argv[0], from which busybox
  // learns what to be.
  const child = spawn('/bin/sh', ['-c', 'eval "$MONOCEROS_GUARD"', title], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: { ...process.env, MONOCEROS_GUARD: guardScript },
  })
  return spawned(child)
}

/** Starts a command that leads a process group of its own; the guard knows it before it exists. */
export async function spawnForeign(spec: ForeignSpec, guard: ChildProcess): Promise<ForeignChild> {
  const { command, args, env, cwd, uid, gid, stopSignal, graceMs } = spec
  const words = [stopSignal.slice(3), String(Math.ceil(graceMs / 100)), command, ...args]
  const pipes = await openPipes(2, { uid, gid })
  try {
    const child = await spawned(
      spawn('/bin/sh', ['-c', commandScript, 'monoceros', ...words], {
        stdio: ['ignore', pipes?.[0]?.fd ?? 'pipe', pipes?.[1]?.fd ?? 'pipe', guard.stdin as Socket],
        detached: true,
        env,
        cwd,
        ...(uid === null ? {} : { uid }),
        ...(gid === null ? {} : { gid }),
      }),
    )
    const [stdout = child.stdout as Readable, stderr = child.stderr as Readable] = pipes?.map(({ output }) => output) ?? []
    return { process: child, pid: child.pid, stdout, stderr }
  } catch (error) {
    for (const { output } of pipes ?? []) output.destroy()
    throw error
  } finally {
    for (const { fd } of pipes ?? []) closeSync(fd)
  }
}

async function spawned(child: ChildProcess): Promise<ChildProcess & { readonly pid: number }> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  return child as ChildProcess & { readonly pid: number }
}

/** To the process itself: what it has started is its own to tell. One that is gone already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // ESRCH: gone before us.
  }
}

/** Null when there is such a program, else why it cannot be started. */
export function programProblem(command: string, path: string, cwd: string): string | null {
  if (command.includes('/')) return fileProblem(resolve(cwd, command))
  const folders = path.split(delimiter).map((folder) => resolve(cwd, folder))
  const found = folders.map((folder) => fileProblem(join(folder, command)))
  if (found.includes(null)) return null
  return found.find((problem) => problem !== missing) ?? notOnPath
}

const missing = 'there is no such file'
export const notOnPath = 'there is no such program on the PATH'

function fileProblem(path: string): string | null {
  try {
    if (!statSync(path).isFile()) return 'it is not a file'
    accessSync(path, constants.X_OK)
    return null
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? missing : 'it may not be executed'
  }
}

/** What could have been meant by a name. */
export function programNames(path: string): string[] {
  return path.split(delimiter).flatMap((folder) => {
    try {
      return readdirSync(folder)
    } catch {
      return [] // a PATH may name what is not there
    }
  })
}
