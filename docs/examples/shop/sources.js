// A dirty app: it highlights source files. What costs a second, the grammars, is done once in each of its threads.
import { threadId } from 'node:worker_threads'
import { DirtyApp } from 'monoceros/dirty'
import { createHighlighter } from 'shiki'

const theme = 'github-light'
const languages = ['javascript', 'typescript', 'json', 'css', 'html', 'python', 'markdown', 'shellscript']

export class SourceApp extends DirtyApp {
  /** @type {Awaited<ReturnType<typeof createHighlighter>> | undefined} */
  #highlighter

  /** @override */
  async init() {
    this.#highlighter = await createHighlighter({ themes: [theme], langs: languages })
  }

  /**
   * Blocks its thread for as long as it takes, and nobody else.
   *
   * @param {string} name of the file: its end says which language it is
   * @param {string} text
   */
  highlight(name, text) {
    const startedMs = performance.now()
    const language = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
    if (!this.#highlighter?.getLoadedLanguages().includes(language)) {
      throw Object.assign(new Error(`there is no grammar for ${name}`), { code: 'NO_GRAMMAR' })
    }
    const html = this.#highlighter.codeToHtml(text, { lang: language, theme })
    return { name, html, lines: text.split('\n').length, tookMs: Math.round(performance.now() - startedMs), pid: process.pid, threadId }
  }

  /** @override */
  close() {
    this.#highlighter?.dispose()
  }
}
