/**
 * Every failure monoceros can name: its sentence, what to do about it and the exit code of a process that ends because
 * of it. `docs/reference/errors.md` is made from this table. `{fact}` is replaced by the fact of that name.
 */
export interface ErrorRow {
  readonly text: string
  readonly advice: string
  readonly exit: number
}

export const errorCodes = {
  MON_CLI_UNKNOWN_OPTION: { text: '{source}: unknown option {given}{hint}', advice: 'see `monoceros --help` for the options', exit: 2 },
  MON_CLI_USAGE: { text: '{source}: {problem}', advice: 'see `monoceros --help`', exit: 2 },
  MON_CHART_UNKNOWN: {
    text: 'there is no {what} {given}{hint}',
    advice: '`monoceros statechart --format json` tells all of them',
    exit: 2,
  },
  MON_DASHBOARD: {
    text: 'the dashboard cannot be served: {problem}',
    advice: 'correct --dashboard and its token, or leave them out',
    exit: 1,
  },
  MON_BUILD_MISSING: {
    text: 'a part of this package is missing: {path}',
    advice: 'install it again, or run `npm run build` in its sources',
    exit: 1,
  },
  MON_CONFIG_UNKNOWN: {
    text: '{source}: unknown setting {setting}{hint}',
    advice: 'docs/reference/settings.md lists all settings',
    exit: 1,
  },
  MON_CONFIG_INVALID: {
    text: '{source}: {setting} = {value}: {problem}; allowed: {allowed}',
    advice: 'correct the value where it was set',
    exit: 1,
  },
  MON_CONFIG_CONFLICT: { text: '{source}: {problem}', advice: 'set only one of them', exit: 1 },
  MON_CONFIG_FILE: { text: '{source}: {problem}', advice: 'correct the file, or name another with -c', exit: 1 },
  MON_APP_MISSING: { text: 'no app given', advice: 'give it as `monoceros ./app.js`, or as `app` in the config file', exit: 1 },
  MON_APP_SPEC: {
    text: 'app {spec}: {problem}',
    advice: 'the form is MODULE[:EXPORT], as in ./app.js, ./app.js:server or ./app.js:create("prod")',
    exit: 4,
  },
  MON_APP_NOT_FOUND: {
    text: 'app {spec}: there is no {path}{hint}',
    advice: 'paths are relative to the working directory (or --chdir)',
    exit: 4,
  },
  MON_APP_IMPORT: { text: 'app {spec}: import failed: {problem}', advice: 'the stack below is the app’s own', exit: 4 },
  MON_APP_EXPORT: {
    text: 'app {spec}: {problem}',
    advice: 'export a handler (default, app, server or handler), or name it after a colon',
    exit: 4,
  },
  MON_APP_SETUP: { text: 'app {spec}: {step} failed: {problem}', advice: 'the stack below is the app’s own', exit: 4 },
  MON_APP_STARTUP: { text: 'app {spec}: onStartup failed: {problem}', advice: 'the stack below is the app’s own', exit: 4 },
  MON_APP_JOB: {
    text: 'app {spec}: {problem}',
    advice: 'a job is a function: `export default async (ctx) => { … }`, or name another export after a colon',
    exit: 4,
  },
  MON_APP_JOB_START: {
    text: 'app {spec}: the job failed before it was ready: {problem}',
    advice: 'a stack that is below is the app’s own',
    exit: 4,
  },
  MON_APP_THREAD: {
    text: 'app {spec}: {problem}',
    advice: 'leave TLS and HTTP/2 to the proxy in front, or use worker class async',
    exit: 4,
  },
  MON_BOOT_FAILED: { text: 'worker died before it was ready: {problem}', advice: 'the lines above say why', exit: 3 },
  MON_SIDECAR_COMMAND: {
    text: 'sidecar {name}: {command}: {problem}',
    advice: 'install it, correct the command, or take the sidecar out of `sidecars`',
    exit: 1,
  },
  MON_SIDECAR_FAILED: {
    text: 'sidecar {problem}',
    advice: 'what it printed is in the log; a sidecar must stay in the foreground',
    exit: 3,
  },
  MON_EMBED_BUNDLED: {
    text: 'monoceros was bundled into {path}, where the files of its worker processes are not beside it',
    advice: 'list monoceros among the externals of the bundler, and keep it in node_modules',
    exit: 1,
  },
  MON_EMBED_RUNTIME: {
    text: '{program} is not Node alone: started as a worker, it would be the whole program again',
    advice: 'name a Node for the workers with the option `execPath`',
    exit: 1,
  },
  MON_EMBED_EVENT: { text: 'a supervisor has no event {given}{hint}', advice: 'docs/guide/embedding.md lists its events', exit: 1 },
  MON_EMBED_STATE: {
    text: 'this {what} is {state} and takes no {order}',
    advice: 'a supervisor is started once; make another one with createSupervisor()',
    exit: 1,
  },
  MON_SYSLOG: { text: 'syslog at {address}: {problem}', advice: 'give another with --log-syslog-to, such as udp://HOST:514', exit: 1 },
  MON_STATSD: { text: 'statsd at {address}: {problem}', advice: 'give another with --statsd-host, such as HOST:8125', exit: 1 },
  MON_METRICS_BIND: {
    text: 'cannot serve metrics at {address}: {problem}',
    advice: 'give another address with --metrics-bind',
    exit: 1,
  },
  MON_LISTENER_IN_USE: {
    text: 'cannot bind {address}: in use{holder}',
    advice: 'stop the other server, or bind elsewhere with -b',
    exit: 1,
  },
  MON_LISTENER_FAILED: { text: 'cannot bind {address}: {problem}', advice: 'bind elsewhere with -b', exit: 1 },
  MON_LISTENER_NOT_SOCKET: {
    text: 'cannot bind {address}: the file there is not a socket',
    advice: 'move the file away, or bind elsewhere',
    exit: 1,
  },
  MON_REUSE_PORT: { text: 'reuse_port: {problem}', advice: 'leave it out: the shared socket needs none of it and loses nothing', exit: 1 },
  MON_PIDFILE_HELD: { text: 'pidfile {path}: process {pid} is running', advice: 'stop it first, or use another --pid', exit: 1 },
  MON_PIDFILE_FAILED: { text: 'pidfile {path}: {problem}', advice: 'the folder must exist and be writable', exit: 1 },
  MON_USER_UNKNOWN: {
    text: '{source}: no {what} {name} on this machine',
    advice: 'give a name of /etc/passwd or /etc/group, or a number',
    exit: 1,
  },
  MON_USER_FORBIDDEN: {
    text: 'cannot become {what} {name}: {problem}',
    advice: 'only root may change user; start as root or leave --user and --group out',
    exit: 1,
  },
  MON_LOG_FILE: { text: 'cannot write log {path}: {problem}', advice: 'the folder must exist and be writable', exit: 1 },
  MON_WORKER_CLASS: {
    text: 'worker class {spec}: {problem}',
    advice: 'async, sync, gthread, job, or a module that exports a worker class (docs/guide/worker-class.md)',
    exit: 1,
  },
  MON_DIRTY_NO_SOCKET: {
    text: 'no dirty pool is known here',
    advice: 'run under monoceros with --dirty-app, or give the path of its socket in MONOCEROS_DIRTY_SOCKET',
    exit: 1,
  },
  MON_DIRTY_NO_APP: { text: 'there is no dirty app {app}; known: {known}', advice: 'name it in dirty_apps (--dirty-app)', exit: 1 },
  MON_DIRTY_NO_ACTION: {
    text: 'dirty app {app} has no action {action}',
    advice: 'actions are the methods of its class, except reserved names',
    exit: 1,
  },
  MON_DIRTY_NO_WORKER: {
    text: 'no dirty worker has {app}',
    advice: 'the log of the dirty arbiter says why none could be started',
    exit: 1,
  },
  MON_DIRTY_QUEUE_FULL: {
    text: 'the queue of {app} is full ({queueMax} calls wait)',
    advice: 'more dirty workers, a longer dirty_queue_max, or fewer calls',
    exit: 1,
  },
  MON_DIRTY_TIMEOUT: {
    text: '{app}.{action} took longer than {afterMs} ms ({phase})',
    advice: 'a longer timeoutMs, or more dirty workers if it was queued',
    exit: 1,
  },
  MON_DIRTY_CANCELLED: { text: '{app}.{action} was cancelled', advice: 'its caller asked for it, or is gone', exit: 1 },
  MON_DIRTY_WORKER_LOST: {
    text: 'the dirty worker of {app} was lost during the call: {how}',
    advice: 'whether the call had an effect is not known',
    exit: 1,
  },
  MON_DIRTY_APP: { text: '{app}.{action}: {problem}', advice: 'the cause is the app’s own error', exit: 1 },
  MON_DIRTY_NOT_SERIALIZABLE: {
    text: '{what} cannot be sent: {problem}',
    advice: 'structured clone takes data: no functions, no promises, no sockets',
    exit: 1,
  },
  MON_DIRTY_FRAME: {
    text: 'a message of {bytes} bytes is longer than dirty_frame_max',
    advice: 'send it in parts, or raise dirty_frame_max',
    exit: 1,
  },
  MON_DIRTY_CALLBACK: {
    text: 'a callback of {app} cannot be called any more: its call is over',
    advice: 'await callbacks before the action returns',
    exit: 1,
  },
  MON_DIRTY_CONNECTION: {
    text: 'the connection to the dirty pool was lost: {problem}',
    advice: 'the call was not begun and may be made again',
    exit: 1,
  },
  MON_DIRTY_CLOSING: { text: 'the dirty pool is stopping', advice: 'make the call again when it is there', exit: 1 },
  MON_DIRTY_DEADLOCK: {
    text: 'a call of {app} from inside would wait for itself',
    advice: 'more workers of the app, or no ring of calls',
    exit: 1,
  },
  MON_DIRTY_IS_STREAM: {
    text: '{app}.{action} answers with a stream: iterate it with for await',
    advice: 'or let the action return a value',
    exit: 1,
  },
  MON_DIRTY_RESERVED: {
    text: 'dirty app {spec}: the name {action} is reserved and cannot be an action',
    advice: 'rename the method',
    exit: 4,
  },
  MON_DIRTY_LOAD: { text: 'dirty app {spec}: {problem}', advice: 'the stack below is the app’s own', exit: 4 },
  MON_STASH_NOT_NUMBER: { text: 'stash entry {what} is no number', advice: 'incr adds to numbers; put one there first', exit: 1 },
  MON_STASH_FULL: {
    text: 'the stash is full: at most {entriesMax} entries and {bytesMax} bytes',
    advice: 'delete entries, give them a ttlMs, or raise the limits',
    exit: 1,
  },
  MON_CONTROL_EMPTY: { text: 'Empty command', advice: '`help` lists all commands', exit: 2 },
  MON_CONTROL_UNKNOWN: { text: 'unknown command {given}{hint}', advice: '`help` lists all commands', exit: 2 },
  MON_CONTROL_USAGE: { text: '{command}: {problem}; the form is: {form}', advice: '`help` lists all commands', exit: 2 },
  MON_CONTROL_REQUEST: {
    text: 'a request is {"id", "command", "args"}, a text and a list of texts',
    advice: 'see docs/reference/control.md',
    exit: 2,
  },
  MON_CONTROL_FAILED: { text: '{problem}', advice: 'the log of the server may say more', exit: 1 },
  MON_CONTROL_NO_PROCESS: {
    text: 'this server has no {what} {given}',
    advice: '`show all` lists its processes with their pids and slots',
    exit: 1,
  },
  MON_CONTROL_NO_DIRTY: { text: 'there is no dirty pool', advice: 'give the server apps for it with --dirty-app', exit: 1 },
  MON_CONTROL_STATE: {
    text: 'the server is {state} and takes no {order}',
    advice: 'ask again when it is ready, which `show all` tells; one that drains is about to end',
    exit: 1,
  },
  MON_CONTROL_NEEDED: { text: '{problem}', advice: 'give the apps fewer workers, or leave it as it is', exit: 1 },
  MON_CONTROL_RELOAD: {
    text: 'the reload failed: {problem}',
    advice: 'the old generation serves on; mend what is wrong and reload again',
    exit: 1,
  },
  MON_CONTROL_SILENT: {
    text: '{command}: no answer within {patienceS} s',
    advice: 'the arbiter may stand still: its log, and `ps`, tell more',
    exit: 1,
  },
  MON_CONTROL_CTL: { text: '{problem}', advice: 'see `monocerosctl --help`', exit: 2 },
  MON_CONTROL_PROBE: { text: '{what} of {pid}: {problem}', advice: 'see whether it still lives with `show all`', exit: 1 },
  MON_CONTROL_NO_SERVER: {
    text: 'no server answers at {path}: {problem}',
    advice: 'start it, or name its socket with -s: its log tells it as control.listening',
    exit: 1,
  },
  MON_CONTROL_LOST: {
    text: 'the connection to the server was lost: {problem}',
    advice: 'it may have ended; the command may have been carried out or not',
    exit: 1,
  },
  MON_REPLAY_FILE: {
    text: 'cannot replay {path}: {problem}',
    advice: 'give the file of --flight-recorder; --since all shows all of it',
    exit: 1,
  },
  MON_PLATFORM: { text: 'monoceros does not run on {platform}', advice: 'use Linux or macOS; on Windows, WSL', exit: 1 },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errorCodes
