// Runs in the browser, and is no part of the TypeScript program, which has no types of a browser. Its result: each text
// of the page whose contrast to its background is less than WCAG 2.2, success criterion 1.4.3, asks for.
;(() => {
  const LEAST_CONTRAST = 4.5
  const channels = (color) => (color.match(/[\d.]+/g) ?? []).map(Number)
  const linear = (value) =>
    value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4
  const luminance = ([red = 0, green = 0, blue = 0]) =>
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  const backgroundOf = (element) => {
    if (element === null) return [255, 255, 255]
    const color = channels(getComputedStyle(element).backgroundColor)
    return color[3] === 0 ? backgroundOf(element.parentElement) : color
  }
  return [...document.querySelectorAll('body *')].flatMap((element) => {
    const text = [...element.childNodes].find(
      ({ nodeType, textContent }) => nodeType === 3 && (textContent ?? '').trim() !== '',
    )?.textContent
    if (text === undefined || element.closest('title') !== null) return []
    const style = getComputedStyle(element)
    const color = channels(element.closest('svg') === null ? style.color : style.fill)
    const [a, b] = [luminance(color), luminance(backgroundOf(element))]
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    return contrast < LEAST_CONTRAST ? [`${contrast.toFixed(1)}: ${text}`] : []
  })
})()
