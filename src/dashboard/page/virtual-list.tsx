/** A list of any length of rows of one height: only those in sight are there. */
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

interface Props<Row> {
  readonly rows: readonly Row[]
  readonly rowHeight: number
  readonly keyOf: (row: Row, index: number) => string | number
  readonly draw: (row: Row, index: number) => ComponentChildren
  /** Brought into sight whenever it changes. */
  readonly shownIndex?: number
  readonly class?: string
  readonly label: string
  /** `tree` and `listbox` name the picked row by its id. */
  readonly role?: 'tree' | 'listbox' | 'list'
  readonly activeId?: string
  readonly onKey?: (event: KeyboardEvent) => void
}

const beyond = 6

export function VirtualList<Row>({ rows, rowHeight, keyOf, draw, shownIndex, label, role = 'list', activeId, onKey, ...rest }: Props<Row>) {
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 600 })
  const look = () => {
    if (box.current === null) return // it has just left the page
    const { scrollTop, clientHeight } = box.current
    setView((before) => (before.top === scrollTop && before.height === clientHeight ? before : { top: scrollTop, height: clientHeight }))
  }
  useLayoutEffect(look, [])
  useEffect(() => {
    const watch = new ResizeObserver(look)
    watch.observe(box.current!)
    return () => watch.disconnect()
  }, [])
  useLayoutEffect(() => {
    if (shownIndex === undefined || shownIndex < 0) return
    const { scrollTop, clientHeight } = box.current!
    const top = shownIndex * rowHeight
    if (top < scrollTop) box.current!.scrollTop = top
    else if (top + rowHeight > scrollTop + clientHeight) box.current!.scrollTop = top + rowHeight - clientHeight
  }, [shownIndex, rows.length])
  const first = Math.max(0, Math.floor(view.top / rowHeight) - beyond)
  const shown = rows.slice(first, Math.ceil((view.top + view.height) / rowHeight) + beyond)
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: each of the roles has a name
    <div
      ref={box}
      class={`virtual ${rest.class ?? ''}`}
      onScroll={look}
      role={role}
      aria-label={label}
      tabIndex={0}
      {...(activeId === undefined ? {} : { 'aria-activedescendant': activeId })}
      {...(onKey === undefined ? {} : { onKeyDown: onKey })}
    >
      <div class="virtual-all" role="presentation" style={{ height: `${rows.length * rowHeight}px` }}>
        <div class="virtual-shown" role="presentation" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {shown.map((row, index) => (
            <div
              class="virtual-row"
              role={role === 'list' ? 'listitem' : 'presentation'}
              key={keyOf(row, first + index)}
              style={{ height: `${rowHeight}px` }}
            >
              {draw(row, first + index)}
            </div>
          ))}
        </div>
      </div>
    </div>
  )
}
