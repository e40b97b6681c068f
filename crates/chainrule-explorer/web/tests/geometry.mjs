// What lies over what on the page, and what is cut: measured in the browser, told in words.

/** Every fault of the layout as it is on the screen; none where all is well. `roomy`: the stage needs no scrolling. */
export const layoutFaults = (page, roomy) =>
  page.evaluate((roomy) => {
    const faults = []
    const textOf = (element) => element.textContent.trim().replace(/\s+/g, ' ').slice(0, 40)
    const named = (element) => {
      const classes = typeof element.className === 'string' ? element.className : element.className.baseVal
      return `${element.localName}${classes.split(' ').filter((name) => name && !name.startsWith('svelte-')).map((name) => `.${name}`).join('')} "${textOf(element)}"`
    }
    const box = (element) => {
      const { left, top, right, bottom } = element.getBoundingClientRect()
      return { left, top, right, bottom }
    }
    const meet = (one, other) => ({
      left: Math.max(one.left, other.left), top: Math.max(one.top, other.top), right: Math.min(one.right, other.right), bottom: Math.min(one.bottom, other.bottom),
    })
    const overlap = (one, other) => {
      const { left, top, right, bottom } = meet(one, other)
      return right - left > 1 && bottom - top > 1
    }
    /** What is seen of it: scrolled away and cut parts are not. */
    const seen = (element) => {
      let area = box(element)
      for (let outer = element.parentElement; outer; outer = outer.parentElement) if (getComputedStyle(outer).overflow !== 'visible' && outer !== document.body) area = meet(area, box(outer))
      return area
    }
    const all = (selector, from = document) => [...from.querySelectorAll(selector)].filter((element) => element.checkVisibility({ visibilityProperty: true }))

    // Panes, and what fills them.
    for (const selectors of [
      ['.page header:not(.stage header)', '.banner', '.network-pane', '.ledger-pane', '.stage-pane', '.rail', '.transport'],
      ['.network', '.legend', '.side', '.stage > header', '.stage > .lines', '.stage > footer', '.stage > .start', '.controls', '.second'],
    ]) {
      const panes = selectors.flatMap((selector) => all(selector).slice(0, 1).map((element) => [selector, seen(element)]))
      panes.forEach(([name, area], index) => panes.slice(index + 1).forEach(([other, second]) => overlap(area, second) && faults.push(`${name} and ${other} lie over each other`)))
    }

    // Texts of the network: on each other, on other circles, on squares, on the loss, beside the picture.
    const network = document.querySelector('.network')
    const inked = (element) => {
      const { left, top, right, bottom } = box(element)
      const height = bottom - top
      return { left: left + 0.5, right: right - 0.5, top: top + 0.22 * height, bottom: bottom - 0.22 * height }
    }
    const texts = all('text', network).filter((text) => textOf(text)).map((text) => ({ text, area: inked(text), svg: text.ownerSVGElement }))
    texts.forEach(({ text, area, svg }, index) => {
      for (const other of texts.slice(index + 1)) if (other.svg === svg && overlap(area, other.area)) faults.push(`"${textOf(text)}" and "${textOf(other.text)}" lie on each other`)
      const frame = box(svg)
      if (area.left < frame.left - 1 || area.right > frame.right + 1) faults.push(`"${textOf(text)}" is cut by the side of the network`)
      for (const circle of all('circle.body', svg)) {
        const round = box(circle)
        const [x, y, radius] = [(round.left + round.right) / 2, (round.top + round.bottom) / 2, (round.right - round.left) / 2]
        if (circle.parentElement.contains(text)) {
          if (area.right - area.left > 2 * radius) faults.push(`"${textOf(text)}" is wider than its circle`)
          continue
        }
        const away = Math.hypot(Math.max(area.left - x, 0, x - area.right), Math.max(area.top - y, 0, y - area.bottom))
        if (away < radius - 2.5) faults.push(`"${textOf(text)}" lies on the circle of ${circle.parentElement.getAttribute('aria-label')}`)
      }
      for (const mark of all('.gradient-mark, .loss rect, .diamond', svg)) {
        if (mark.closest('.loss, .signal')?.contains(text)) continue
        if (overlap(area, box(mark))) faults.push(`"${textOf(text)}" and ${named(mark)} lie on each other`)
      }
    })

    // What is cut, and what scrolls sideways that should not.
    for (const element of all('main *, .transport *, .page header *, .rail *')) {
      if (element.closest('.visually-hidden, svg, math, select, input')) continue
      const { overflowX, textOverflow } = getComputedStyle(element)
      // A long name with an ellipsis has its whole text in its title.
      if (textOverflow === 'ellipsis' && element.title) continue
      if (['hidden', 'clip'].includes(overflowX) && textOf(element) && element.scrollWidth > element.clientWidth + 1) faults.push(`${named(element)} is cut`)
    }
    for (const selector of ['html', '.content', 'main', '.panel', '.stage footer', '.transport', ...(roomy ? ['.stage .lines'] : [])]) {
      for (const element of all(selector)) if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'contents') faults.push(`${selector} scrolls sideways`)
    }
    if (roomy) {
      for (const selector of ['.stage .lines', '.stage footer']) for (const element of all(selector)) if (element.scrollHeight > element.clientHeight + 1) faults.push(`${selector} scrolls: ${textOf(element)}`)
      if (document.documentElement.scrollHeight > innerHeight) faults.push('the page scrolls')
    }
    // Formulas and numbers within what surrounds them, or in something that scrolls.
    for (const element of all('main math, .stage .matrix, .stage .operator, .stage .chip, .explained .term, .panel math')) {
      let outer = element.parentElement
      while (getComputedStyle(outer).overflowX === 'visible' && !outer.matches('.stage')) outer = outer.parentElement
      const [inner, frame] = [box(element), box(outer)]
      if (!['auto', 'scroll'].includes(getComputedStyle(outer).overflowX) && (inner.right > frame.right + 1 || inner.left < frame.left - 1)) faults.push(`${named(element)} goes beyond its pane`)
    }
    return [...new Set(faults)]
  }, roomy)

/** Matrices of the stage that do not show all of their rows and columns, and what is cut of the loss, the inputs and the outputs. */
export const cutParts = (page) =>
  page.evaluate(() => {
    const within = (inner, outer) => inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1 && inner.left >= outer.left - 1 && inner.right <= outer.right + 1
    const areaOf = (element) => element.getBoundingClientRect()
    const [lines, picture] = ['.stage .lines', '.network .scroll'].map((selector) => document.querySelector(selector))
    const ends = [...picture.querySelectorAll('.loss, .node')].filter((part) => /^(loss|input|output)/.test(part.getAttribute('aria-label')))
    return [
      ...[...document.querySelectorAll('.stage .box')]
        .filter((box) => box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1 || !within(areaOf(box), areaOf(lines)))
        .map((box) => box.querySelector('table').getAttribute('aria-label')),
      ...ends.filter((part) => !within(areaOf(part.querySelector('rect, circle.body')), areaOf(picture))).map((part) => part.getAttribute('aria-label')),
    ]
  })
