// What a screen reader is told, and what the log keeps of it.
export class Log {
  lines = $state.raw<string[]>([])

  tell(sentence: string) {
    this.lines = [...this.lines.slice(-499), sentence]
  }
}
