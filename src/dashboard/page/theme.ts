/** Dark or light as the system has it, until somebody says otherwise. */
const key = 'monoceros theme'
const root = document.documentElement

const given = localStorage.getItem(key)
if (given !== null) root.dataset['theme'] = given

export function changeTheme(): void {
  const isDark = root.dataset['theme'] === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : root.dataset['theme'] === 'dark'
  root.dataset['theme'] = isDark ? 'light' : 'dark'
  localStorage.setItem(key, root.dataset['theme'])
  document.dispatchEvent(new Event('theme'))
}
