/** Dark or light as the system has it, until somebody says otherwise. */
const key = 'monoceros theme'
const root = document.documentElement
const system = matchMedia('(prefers-color-scheme: dark)')

function show(): void {
  root.dataset['theme'] = localStorage.getItem(key) ?? (system.matches ? 'dark' : 'light')
  document.dispatchEvent(new Event('theme'))
}

show()
system.addEventListener('change', show)

export function changeTheme(): void {
  localStorage.setItem(key, root.dataset['theme'] === 'dark' ? 'light' : 'dark')
  show()
}
