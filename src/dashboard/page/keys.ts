import { open, wishFor } from './dialogs.tsx'
import { reloadWish } from './orders.tsx'
import { goTo, hello, moment, nowAt, pick, processes, shownProcess, stepBy, type Tab, tab } from './store.ts'

const tabOf: Readonly<Record<string, Tab>> = { 1: 'charts', 2: 'traffic', 3: 'requests', 4: 'events', 5: 'autopsies' }

export function hearKeys(): void {
  addEventListener('keydown', (event) => {
    const target = event.target as HTMLElement
    if (open.value !== null || event.ctrlKey || event.metaKey || event.altKey) return
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) {
      if (event.key === 'Escape') target.blur()
      return
    }
    // A button that has the focus is what the space bar is for.
    if (target.tagName === 'BUTTON' && (event.key === ' ' || event.key === 'Enter')) return
    if (obey(event)) event.preventDefault()
  })
}

function obey({ key, shiftKey }: KeyboardEvent): boolean {
  const isFile = hello.value?.source === 'file'
  if (tabOf[key] !== undefined) tab.value = tabOf[key]
  else if (key === 'ArrowLeft') stepBy(shiftKey ? -10 : -1)
  else if (key === 'ArrowRight') stepBy(shiftKey ? 10 : 1)
  else if (key === ' ' && !isFile) goTo(moment.value === null ? nowAt.value - 1 : null)
  else if (key === 'Escape' && !isFile) goTo(null)
  else if (key === 'j' || key === 'k' || key === 'ArrowDown' || key === 'ArrowUp') step(key === 'j' || key === 'ArrowDown' ? 1 : -1)
  else if (key === '/') document.getElementById('filter')?.focus()
  else if (key === 'r' && !isFile) wishFor(reloadWish)
  else if (key === '?') open.value = { kind: 'keys' }
  else return false
  return true
}

function step(by: number): void {
  const rows = processes.value
  const here = rows.findIndex(({ key }) => key === shownProcess.value?.key)
  const next = rows[Math.max(0, Math.min(rows.length - 1, here + by))]
  if (next !== undefined) pick(next.key)
}
