// What the page begins without: films, and what is taken away.
export { default as FilmDialog } from './film/FilmDialog.svelte'
export { default as Sheet } from './away/Sheet.svelte'
export { default as TakeAwayDialog } from './away/TakeAwayDialog.svelte'
