import { spawn } from 'node:child_process'

/** Asks the desktop to show an address. Where there is none, nothing happens: the address has been printed. */
export function showInBrowser(url: string): void {
  const isMac = process.platform === 'darwin'
  if (!isMac && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) return
  const opener = spawn(isMac ? 'open' : 'xdg-open', [url], { stdio: 'ignore', detached: true })
  opener.on('error', () => undefined) // no such program
  opener.unref()
}
