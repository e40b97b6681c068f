// The arrow keys as moves within a matrix.
const MOVES: Record<string, [down: number, right: number]> = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
}

/** How far an arrow key goes; undefined for other keys, and with Ctrl, Alt or Meta, which belong to the browser. */
export const arrow = (event: KeyboardEvent): [down: number, right: number] | undefined =>
  event.ctrlKey || event.metaKey || event.altKey ? undefined : MOVES[event.key]
