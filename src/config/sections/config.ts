import { flag } from '../kinds/choice.ts'
import { path, text } from '../kinds/text.ts'
import type { ValueRow } from '../row.ts'

export const configRows = [
  {
    name: 'config',
    section: 'config',
    type: path,
    unit: null,
    default: null,
    cli: ['-c', '--config'],
    gunicorn: 'config',
    isCallersOnly: true,
    reload: 'restart',
    doc: 'The config file. Without it, monoceros.config.{ts,mts,js,mjs,cjs,json,toml} in the working directory is read if it is there.',
  },
  {
    name: 'app',
    section: 'config',
    type: text,
    unit: null,
    default: null,
    cli: null,
    gunicorn: 'wsgi_app',
    reload: 'respawn',
    doc: 'The app to serve, as MODULE[:EXPORT], when none is given on the command line.',
  },
  {
    name: 'printConfig',
    section: 'config',
    type: flag,
    unit: null,
    default: false,
    cli: ['--print-config'],
    gunicorn: 'print_config',
    isCallersOnly: true,
    reload: 'restart',
    doc: 'Print every setting with its value and where it comes from, and end.',
  },
  {
    name: 'checkConfig',
    section: 'config',
    type: flag,
    unit: null,
    default: false,
    cli: ['--check-config'],
    gunicorn: 'check_config',
    isCallersOnly: true,
    reload: 'restart',
    doc: 'Check the configuration and load the app, and end: 0 if all is well.',
  },
] as const satisfies readonly ValueRow[]
