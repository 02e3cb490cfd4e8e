/** What every picture of the page is drawn with, on a canvas or as SVG. */

/** @typedef {CanvasRenderingContext2D | SvgContext} Brush */

const FONT = 'system-ui, "Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic", sans-serif';

/**
 * Set the font of a brush.
 * @param {Brush} brush
 * @param {number} size
 */
function setFont(brush, size, bold = false) {
  brush.font = `${bold ? "bold " : ""}${size}px ${FONT}`;
}

/**
 * `label` as far as it fits into `width` pixels, with an ellipsis where it is cut.
 * @param {Brush} brush
 * @param {string} label
 * @param {number} width
 */
function fitted(brush, label, width) {
  if (brush.measureText(label).width <= width) return label;
  const chars = [...label];
  let [low, high] = [0, chars.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (brush.measureText(`${chars.slice(0, middle).join("")}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return `${chars.slice(0, low).join("")}…`;
}

/**
 * How wide the widest of some labels is, and no more than `most`.
 * @param {Brush} brush
 * @param {string[]} labels
 * @param {number} most
 */
const widest = (brush, labels, most) =>
  Math.min(most, labels.reduce((width, label) => Math.max(width, brush.measureText(label).width), 0));
