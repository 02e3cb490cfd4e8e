/** The matrix in the page: its two canvases, and what pointers and keys do on them. */

/**
 * @typedef {object} Shown  The matrix that is on the page.
 * @property {Matrix} matrix
 * @property {Grid} grid
 * @property {CanvasRenderingContext2D} crosshair
 */

/** @type {Shown | null} */
let shownMatrix = null;

/**
 * @param {HTMLElement} box
 * @param {Matrix} matrix
 * @param {State} state
 */
function showMatrix(box, matrix, state) {
  const grid = gridOf(matrix, state, box.clientWidth, innerHeight * 0.66);
  const cells = make("canvas", { "aria-hidden": "true" });
  const over = make("canvas", { className: "over", id: "matrix", tabIndex: 0, role: "img" });
  const size = { rows: matrix.rows.labels.length, columns: matrix.columns.labels.length };
  over.setAttribute("aria-label", say("matrixOf", { head: shownName(state), ...size }));
  const hadFocus = document.activeElement?.id === "matrix";
  box.replaceChildren(make("div", { className: "layers" }, cells, over));
  paintMatrix(sized(cells, grid.width, grid.height), matrix, state, grid);
  const crosshair = sized(over, grid.width, grid.height);
  shownMatrix = { matrix, grid, crosshair };
  paintCrosshair(crosshair, matrix, state, grid);
  followPointer(over);
  if (hadFocus) over.focus();
}

/**
 * Move the crosshair that is on the page.
 * @param {State} state
 */
function moveCrosshair(state) {
  if (shownMatrix) paintCrosshair(shownMatrix.crosshair, shownMatrix.matrix, state, shownMatrix.grid);
}

/**
 * The cell under a point of the canvas, or null.
 * @param {Pick<Shown, "grid">} shown
 * @param {number} x
 * @param {number} y
 * @returns {[number, number] | null}
 */
function cellAt({ grid }, x, y) {
  const [i, j] = [Math.floor((y - grid.top) / grid.cell), Math.floor((x - grid.left) / grid.cell)];
  return i < 0 || j < 0 || i >= grid.rows || j >= grid.columns ? null : [grid.row + i, grid.column + j];
}

/** @param {HTMLCanvasElement} canvas */
function followPointer(canvas) {
  /** @type {{point: [number, number], zoom: [number, number, number, number], moved: boolean} | null} */
  let drag = null;
  canvas.addEventListener("pointermove", (event) => {
    if (!shownMatrix) return;
    const point = pointIn(canvas, event);
    if (drag) drag.moved = pan(shownMatrix, drag, point) || drag.moved;
    else pointAt(shownMatrix, point);
  });
  canvas.addEventListener("pointerdown", (event) => {
    if (shownMatrix) drag = { point: pointIn(canvas, event), zoom: shownPart(shownMatrix.matrix, state.zoom), moved: false };
  });
  canvas.addEventListener("pointerup", (event) => {
    const picked = drag && !drag.moved && shownMatrix ? tokenAt(shownMatrix, pointIn(canvas, event)) : null;
    if (picked) pickToken(...picked, event.shiftKey);
    drag = null;
  });
  canvas.addEventListener("pointerleave", () => (drag = null));
  canvas.addEventListener("wheel", (event) => {
    if (!shownMatrix) return;
    const at = cellAt(shownMatrix, ...pointIn(canvas, event));
    if (!at) return;
    event.preventDefault();
    zoomAt(shownMatrix.matrix, at, event.deltaY > 0 ? 1.25 : 0.8);
  }, { passive: false });
}

/**
 * @param {Shown} shown
 * @param {[number, number]} point
 */
function pointAt(shown, point) {
  const at = cellAt(shown, ...point);
  if (!at) return;
  const cursor = /** @type {[number, number]} */ ([shown.matrix.rows.tokens[at[0]], shown.matrix.columns.tokens[at[1]]]);
  if (String(cursor) !== String(state.cursor)) change({ cursor }, true);
}

/**
 * The token of the label under a point of the canvas, or the query of the cell there, with its axis; or null.
 * @param {Pick<Shown, "grid" | "matrix">} shown
 * @param {[number, number]} point
 * @returns {[State["direction"], number] | null}
 */
function tokenAt({ grid, matrix }, point) {
  const column = Math.floor((point[0] - grid.left) / grid.cell);
  if (point[1] < grid.top && column >= 0 && column < grid.columns) {
    return ["to", matrix.columns.tokens[grid.column + column]];
  }
  const row = Math.floor((point[1] - grid.top) / grid.cell);
  const isThere = row >= 0 && row < grid.rows && point[0] < grid.left + grid.columns * grid.cell;
  return isThere ? ["from", matrix.rows.tokens[grid.row + row]] : null;
}

/**
 * Show a part of the matrix that is `factor` times as large, with the cell `at` where it is.
 * @param {Matrix} matrix
 * @param {[number, number]} at
 * @param {number} factor
 */
function zoomAt(matrix, at, factor) {
  const [row, rows, column, columns] = shownPart(matrix, state.zoom);
  const [height, width] = [rows, columns].map((size) => Math.max(4, Math.round(size * factor)));
  const first = at[0] - ((at[0] - row) / rows) * height;
  const left = at[1] - ((at[1] - column) / columns) * width;
  change({ zoom: zoomOf(matrix, first, height, left, width) }, true);
}

/**
 * @param {Shown} shown
 * @param {{point: [number, number], zoom: [number, number, number, number]}} drag
 * @param {[number, number]} point
 * @returns {boolean}
 */
function pan({ matrix, grid }, { point: start, zoom: [row, rows, column, columns] }, point) {
  const [x, y] = [0, 1].map((axis) => Math.round((start[axis] - point[axis]) / grid.cell));
  if (!state.zoom) return Math.hypot(start[0] - point[0], start[1] - point[1]) > 4;
  if (x || y) change({ zoom: zoomOf(matrix, row + y, rows, column + x, columns) }, true);
  return Boolean(x || y);
}

/**
 * The part of a matrix as the state names it, kept within the matrix; null where that is all of it.
 * @param {Matrix} matrix
 * @param {number} row
 * @param {number} rows
 * @param {number} column
 * @param {number} columns
 * @returns {State["zoom"]}
 */
function zoomOf(matrix, row, rows, column, columns) {
  const [height, width] = [matrix.rows.labels.length, matrix.columns.labels.length];
  if (rows >= height && columns >= width) return null;
  const within = (/** @type {number} */ first, /** @type {number} */ size, /** @type {number} */ all) =>
    Math.max(0, Math.min(Math.round(first), all - Math.min(size, all)));
  const [first, left] = [within(row, rows, height), within(column, columns, width)];
  const [last, right] = [Math.min(first + rows, height) - 1, Math.min(left + columns, width) - 1];
  return [matrix.rows.tokens[first], matrix.rows.tokens[last], matrix.columns.tokens[left], matrix.columns.tokens[right]];
}
