// What is wrong with a page for somebody who reads it, hears it or types in it: runs in the page,
// where the page itself runs nothing. The measures are those of WCAG 2.2, level AA.

export function judge() {
  const wrong = []
  const need = (right, ...what) => right || wrong.push(what.join(' '))
  const all = (selector) => [...document.querySelectorAll(selector)]
  const name = (element) => {
    const said = element.innerText || element.name || ''
    return `${element.localName} "${said.slice(0, 40)}"`
  }

  // Colours, as WCAG counts them.
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number)
  const light = (colour) => {
    const [red, green, blue] = parts(colour).map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b)
    return (bright + 0.05) / (dark + 0.05)
  }
  const seen = (colour) => (parts(colour)[3] ?? 1) > 0
  const behind = (element) => {
    while (element && !seen(getComputedStyle(element).backgroundColor)) {
      element = element.parentElement
    }
    return getComputedStyle(element ?? document.body).backgroundColor
  }

  // A page of its own, in a language, with one heading that the title repeats.
  need(document.documentElement.lang === 'en', 'lang')
  const headings = all('h1, h2, h3, h4, h5, h6')
  need(headings.length === 1 && headings[0].localName === 'h1', 'headings', headings.length)
  need(document.title.includes(headings[0]?.innerText), 'title', document.title)
  need(all('main').length === 1 && all('main h1').length === 1, 'main')
  need(document.characterSet === 'UTF-8', document.characterSet)
  const viewport = document.querySelector('meta[name=viewport]')?.content ?? ''
  need(viewport.includes('width=device-width') && !/scalable|maximum/.test(viewport), viewport)
  need(all('script, link, img, iframe, object').length === 0, 'something is loaded')
  const ids = all('[id]').map((element) => element.id)
  need(new Set(ids).size === ids.length, 'ids', ids)
  for (const element of all('[aria-describedby]')) {
    const described = element.getAttribute('aria-describedby').split(' ')
    need(described.every((id) => ids.includes(id)), name(element), described)
  }
  for (const element of all('.error')) need(element.role === 'alert', name(element), 'no alert')

  // Everything is within the page, whole, and told from what is behind it.
  const width = document.documentElement.clientWidth
  need(document.documentElement.scrollWidth <= width, 'wider than', width)
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement
    if (!texts.currentNode.data.trim()) continue
    const { color, fontSize } = getComputedStyle(element)
    const ratio = contrast(color, behind(element))
    need(ratio >= 4.5, name(element), 'has contrast', ratio)
    need(parseFloat(fontSize) >= 14, name(element), fontSize)
    const range = document.createRange()
    range.selectNodeContents(texts.currentNode)
    const box = range.getBoundingClientRect()
    need(box.width && box.left >= 0 && box.right <= width, name(element), box.left, box.right)
  }
  const fields = all('input:not([type=hidden])')
  for (const field of [...fields, ...all('button')]) {
    const style = getComputedStyle(field)
    const around = behind(field.parentElement)
    const edges = [style.borderTopColor, style.backgroundColor].filter(seen)
    const ratio = Math.max(0, ...edges.map((edge) => contrast(edge, around)))
    // A button may be its text alone.
    need(ratio >= 3 || (!edges.length && field.innerText), name(field), 'has an edge of', ratio)
    need(contrast(style.color, behind(field)) >= 4.5, name(field), style.color)
    const { height, left, right } = field.getBoundingClientRect()
    need(height >= 44 && left >= 0 && right <= width, name(field), height, left, right)
    // Below that a telephone magnifies what is typed in.
    need(parseFloat(style.fontSize) >= 16, name(field), style.fontSize)
    need(field.scrollWidth <= field.clientWidth, name(field), 'is cut off')
  }

  // Every field says what it is, and the first is where one types.
  for (const field of fields) {
    const labels = [...field.labels].map((label) => label.innerText.trim())
    need(labels.length === 1 && labels[0], name(field), 'labels', labels)
  }
  if (fields.length) {
    const [first] = fields
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(first)
    need(document.activeElement === first, 'the focus is elsewhere')
    const shown = outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2
    need(shown && contrast(outlineColor, behind(first.parentElement)) >= 3, 'the focus is not seen')
  }
  return wrong
}
