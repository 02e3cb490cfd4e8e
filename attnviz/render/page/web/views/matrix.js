/** The matrix: one head large, queries down and keys across, with a crosshair, sums, and numbers where they fit. */

/** Cells are at most so wide, in pixels; numbers are written into cells that are at least so wide. */
const LARGEST_CELL = 60, NUMBERED = 27;
/** No label is wider; labels stand at least so far apart. */
const LABEL = 150, LINE = 13;
/** How thick the bars of row and column sums are, and how far they are from the cells. */
const BAR = 9, APART = 4;
/** Colours of the heads of a set, where a cell is coloured by whose weight is the largest. */
const HUES = [265, 25, 145, 325, 60, 205, 295, 100, 0, 175];

/**
 * @typedef {object} Grid  Which cells are shown, and where, in pixels.
 * @property {number} row  The first row; `rows` are shown.
 * @property {number} rows
 * @property {number} column
 * @property {number} columns
 * @property {number} left
 * @property {number} top
 * @property {number} cell
 * @property {boolean} isTurned  Whether the labels of the columns stand upright, since they are wider than cells.
 * @property {number} width  Of the whole picture.
 * @property {number} height
 */

/**
 * The part of the matrix that is shown, as large as fits.
 * @param {Matrix} matrix
 * @param {State} state
 * @param {number} width
 * @param {number} height
 * @returns {Grid}
 */
function gridOf(matrix, state, width, height) {
  const [row, rows, column, columns] = shownPart(matrix, state.zoom);
  const ruler = /** @type {CanvasRenderingContext2D} */ (make("canvas").getContext("2d"));
  setFont(ruler, 12);
  const left = Math.min(width / 3, widest(ruler, matrix.rows.labels.slice(row, row + rows), LABEL) + 26);
  const margin = BAR + APART + 4;
  const cell = Math.min(LARGEST_CELL, (width - left - margin) / columns, Math.max(height, 260) / rows);
  const length = widest(ruler, matrix.columns.labels.slice(column, column + columns), LABEL);
  const isTurned = length > cell - 4;
  const top = (isTurned ? length : LINE) + 26;
  return {
    row, rows, column, columns, left, top, cell, isTurned,
    width: left + columns * cell + margin,
    height: top + rows * cell + margin,
  };
}

/**
 * First row, rows, first column, columns.
 * @param {Matrix} matrix
 * @param {State["zoom"]} zoom
 * @returns {[number, number, number, number]}
 */
function shownPart({ rows, columns }, zoom) {
  const whole = /** @type {[number, number, number, number]} */ ([0, rows.labels.length, 0, columns.labels.length]);
  if (!zoom) return whole;
  const [first, last] = [cellOf(rows, zoom[0]), cellOf(rows, zoom[1])];
  const [left, right] = [cellOf(columns, zoom[2]), cellOf(columns, zoom[3])];
  if (first < 0 || left < 0 || last < first || right < left) return whole;
  return [first, last - first + 1, left, right - left + 1];
}

/**
 * Draw the matrix with its labels and sums.
 * @param {Brush} brush
 * @param {Matrix} matrix
 * @param {State} state
 * @param {Grid} grid
 */
function paintMatrix(brush, matrix, state, grid) {
  const { left, top, cell, rows, columns } = grid;
  brush.imageSmoothingEnabled = false;
  const picture = cellPicture(matrix, state, grid);
  brush.drawImage(picture, left, top, columns * cell, rows * cell);
  brush.strokeStyle = theme().hairline;
  brush.lineWidth = 1;
  brush.strokeRect(left, top, columns * cell, rows * cell);
  paintLabels(brush, matrix, grid);
  if (!matrix.isSigned) paintSums(brush, matrix, grid);
  if (cell >= NUMBERED) paintNumbers(brush, matrix, state, grid);
  paintFocus(brush, matrix, state, grid);
}

/**
 * The cells as a picture, a pixel each. Where cells are smaller than pixels, a pixel has the largest weight of its own, whatever its sign.
 * @param {Matrix} matrix
 * @param {State} state
 * @param {Grid} grid
 * @returns {HTMLCanvasElement}
 */
function cellPicture(matrix, state, { row, rows, column, columns, cell }) {
  const every = Math.max(1, Math.floor(1 / (cell * (window.devicePixelRatio || 1))));
  const [height, width] = [Math.ceil(rows / every), Math.ceil(columns / every)];
  const picture = make("canvas", { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const strengths = new Float32Array(pixels.length).fill(-1);
  const stride = matrix.columns.labels.length;
  const blank = hexPixel(theme().blank);
  const colours = coloursOf(matrix);
  const colour = matrix.who ? hueColours(headsShown(state).length) : (/** @type {number} */ part) => pixelOf(colours, part);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = (row + i) * stride + column + j;
      const pixel = Math.floor(i / every) * width + Math.floor(j / every);
      if (!matrix.may[at]) continue;
      const part = partOfCell(matrix, at, state.scale);
      const strength = matrix.isSigned ? Math.abs(part - 0.5) : part;
      if (strength <= strengths[pixel]) continue;
      strengths[pixel] = strength;
      pixels[pixel] = colour(part, matrix.who ? matrix.who[at] : 0);
    }
  }
  strengths.forEach((strength, pixel) => {
    if (strength < 0) pixels[pixel] = blank;
  });
  context.putImageData(image, 0, 0);
  return picture;
}

/**
 * Pixels by part of the scale and by head: a hue for each head, paler the smaller the weight.
 * @param {number} heads
 * @returns {(part: number, head: number) => number}
 */
function hueColours(heads) {
  const context = /** @type {CanvasRenderingContext2D} */ (make("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true }));
  const table = Array.from({ length: Math.min(heads, HUES.length) }, (_, head) =>
    Uint32Array.from({ length: 65 }, (_, step) => {
      context.fillStyle = theme().background;
      context.fillRect(0, 0, 1, 1);
      context.globalAlpha = step / 64;
      context.fillStyle = hueOf(head);
      context.fillRect(0, 0, 1, 1);
      context.globalAlpha = 1;
      const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
      return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    }),
  );
  return (part, head) => table[head % table.length][Math.round(Math.sqrt(part) * 64)];
}

/**
 * The colour of a head of a set.
 * @param {number} head  Its place in the set.
 */
const hueOf = (head) => `hsl(${HUES[head % HUES.length]} 75% ${themeName() === "dark" ? 65 : 42}%)`;

/** @param {string} hex */
function hexPixel(hex) {
  const value = parseInt(hex.slice(1), 16);
  return ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}

/**
 * @param {Brush} brush
 * @param {Matrix} matrix
 * @param {Grid} grid
 */
function paintLabels(brush, matrix, grid) {
  const { left, top, cell, row, rows, column, columns, isTurned } = grid;
  const every = Math.max(1, Math.ceil(LINE / cell));
  setFont(brush, 12);
  brush.fillStyle = theme().ink;
  brush.textBaseline = "middle";
  brush.textAlign = "right";
  for (let i = 0; i < rows; i += every) {
    const label = fitted(brush, matrix.rows.labels[row + i], left - 24);
    brush.fillText(label, left - 6, top + (i + 0.5) * cell);
  }
  brush.textAlign = isTurned ? "left" : "center";
  for (let j = 0; j < columns; j += every) {
    const [x, label] = [left + (j + 0.5) * cell, matrix.columns.labels[column + j]];
    if (isTurned) turned(brush, x, top - 6, fitted(brush, label, top - 24));
    else brush.fillText(label, x, top - 10);
  }
  setFont(brush, 11);
  brush.fillStyle = theme().muted;
  brush.textAlign = "center";
  brush.fillText(say("key"), Math.max(left + (columns * cell) / 2, left + 30), 8);
  brush.save();
  brush.translate(8, top + (rows * cell) / 2);
  brush.rotate(-Math.PI / 2);
  brush.fillText(say("query"), 0, 0);
  brush.restore();
}

/**
 * Write `text` upwards from a point.
 * @param {Brush} brush
 * @param {number} x
 * @param {number} y
 * @param {string} text
 */
function turned(brush, x, y, text) {
  brush.save();
  brush.translate(x, y);
  brush.rotate(-Math.PI / 2);
  brush.fillText(text, 0, 0);
  brush.restore();
}

/**
 * Bars: right of each row what it gives in all, below each column what it gets, as a part of what the most is given.
 * @param {Brush} brush
 * @param {Matrix} matrix
 * @param {Grid} grid
 */
function paintSums(brush, matrix, { left, top, cell, row, rows, column, columns }) {
  const sums = matrix.columnSums;
  const most = Math.max(...sums, 1e-9);
  brush.fillStyle = theme().muted;
  brush.globalAlpha = 0.7;
  for (let j = 0; j < columns; j++) {
    const size = (BAR * sums[column + j]) / most;
    brush.fillRect(left + j * cell + cell * 0.1, top + rows * cell + APART, cell * 0.8, size);
  }
  for (let i = 0; i < rows; i++) {
    const given = Math.min(matrix.rowSums[row + i] - (matrix.removed ? matrix.removed[row + i] : 0), 1);
    brush.fillRect(left + columns * cell + APART, top + i * cell + cell * 0.1, BAR * Math.max(given, 0), cell * 0.8);
  }
  brush.globalAlpha = 1;
}

/**
 * @param {Brush} brush
 * @param {Matrix} matrix
 * @param {State} state
 * @param {Grid} grid
 */
function paintNumbers(brush, matrix, state, { left, top, cell, row, rows, column, columns }) {
  const stride = matrix.columns.labels.length;
  setFont(brush, Math.min(13, cell / 2.6));
  brush.textAlign = "center";
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = (row + i) * stride + column + j;
      if (!matrix.may[at]) continue;
      const part = partOfCell(matrix, at, state.scale);
      const isStrong = part > 0.5;
      brush.fillStyle = matrix.who ? theme()[isStrong ? "background" : "ink"] : inkOn(coloursOf(matrix), part);
      brush.fillText(formatWeight(matrix.weights[at]), left + (j + 0.5) * cell, top + (i + 0.5) * cell);
    }
  }
}

/**
 * A frame around the rows, or columns, of the tokens in focus.
 * @param {Brush} brush
 * @param {Matrix} matrix
 * @param {State} state
 * @param {Grid} grid
 */
function paintFocus(brush, matrix, state, { left, top, cell, row, rows, column, columns }) {
  brush.strokeStyle = theme().ink;
  brush.lineWidth = 1.5;
  for (const at of focusCells(matrix, state)) {
    if (state.direction === "from" && at >= row && at < row + rows) {
      brush.strokeRect(left, top + (at - row) * cell, columns * cell, cell);
    } else if (state.direction === "to" && at >= column && at < column + columns) {
      brush.strokeRect(left + (at - column) * cell, top, cell, rows * cell);
    }
  }
}
