/** The links that lines and arcs draw: from a query to a key, the strongest as far as they make up a share of the weight. */

/** No more links are drawn: more would be one blot. */
const MOST_LINKS = 4000;
/** The first of the 256 colours that a line can have: those before are near the background's. */
const PALEST = 96;

/**
 * @typedef {object} Links
 * @property {number[]} cells  Of the matrix, from the weakest link to the strongest.
 * @property {number} left  How many are too many to be drawn.
 */

/**
 * The links of a matrix, or of the tokens in focus; without those that are too weak to be seen, as in `plot`.
 * @param {Matrix} matrix
 * @param {State} state
 * @param {number[]} focus  Cells of the axis that the direction names; none means all.
 * @returns {Links}
 */
function linksToDraw(matrix, state, focus) {
  const width = matrix.columns.labels.length;
  const chosen = new Set(focus);
  const isDrawn = (/** @type {number} */ cell) =>
    !chosen.size || chosen.has(state.direction === "from" ? Math.floor(cell / width) : cell % width);
  const found = [];
  let total = 0;
  for (let cell = 0; cell < matrix.weights.length; cell++) {
    if (!matrix.may[cell] || !isDrawn(cell)) continue;
    total += matrix.weights[cell];
    if (partOf(matrix.weights[cell], matrix.top, state.scale) >= FAINT) found.push(cell);
  }
  found.sort((a, b) => matrix.weights[b] - matrix.weights[a]);
  const kept = found.slice(0, state.mass < 100 ? countOfMass(matrix.weights, found, (total * state.mass) / 100) : undefined);
  return { cells: kept.slice(0, MOST_LINKS).reverse(), left: Math.max(0, kept.length - MOST_LINKS) };
}

/**
 * How many of the cells, largest first, it takes to make up `mass`.
 * @param {Float32Array} weights
 * @param {number[]} cells
 * @param {number} mass
 */
function countOfMass(weights, cells, mass) {
  let [count, sum] = [0, 0];
  while (count < cells.length && sum < mass - 1e-6) sum += weights[cells[count++]];
  return count;
}

/**
 * Set the colour, width and opacity of a link, as `plot` has them: all three grow with its weight. Where tokens are near
 * each other, `pitch` pixels apart, links are thinner.
 * @param {Brush} brush
 * @param {Matrix} matrix
 * @param {State} state
 * @param {number} cell
 * @param {number} pitch
 */
function styleLink(brush, matrix, state, cell, pitch) {
  const part = partOf(matrix.weights[cell], matrix.top, state.scale);
  brush.globalAlpha = 0.06 + 0.94 * part;
  brush.lineWidth = (0.8 + 4.5 * part) * Math.min(1, pitch / 12);
  brush.strokeStyle = matrix.who
    ? hueOf(matrix.who[cell])
    : colourAt(palette().cells, (PALEST + part * (255 - PALEST)) / 255);
}
