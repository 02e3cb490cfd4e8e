/** The crosshair of the matrix, with the names of its row and its column. */

/**
 * The crosshair, on a canvas of its own above the cells: it moves without their being drawn again.
 * @param {CanvasRenderingContext2D} context
 * @param {Matrix} matrix
 * @param {State} state
 * @param {Grid} grid
 */
function paintCrosshair(context, matrix, state, { left, top, cell, row, rows, column, columns, width, height, isTurned }) {
  context.clearRect(0, 0, width, height);
  const under = cursorCells(matrix, state.cursor);
  if (!under) return;
  const [y, x] = [top + (under[0] - row) * cell, left + (under[1] - column) * cell];
  if (y < top || x < left || y >= top + rows * cell || x >= left + columns * cell) return;
  context.strokeStyle = theme().ink;
  context.lineWidth = 1;
  context.strokeRect(left, y, columns * cell, cell);
  context.strokeRect(x, top, cell, rows * cell);
  context.lineWidth = 2.5;
  context.strokeRect(x, y, cell, cell);
  setFont(context, 12, true);
  context.textBaseline = "middle";
  boxed(context, fitted(context, matrix.rows.labels[under[0]], LABEL * 1.5), left - 6, y + cell / 2, "right");
  context.save();
  context.translate(x + cell / 2, top - (isTurned ? 6 : 10));
  if (isTurned) context.rotate(-Math.PI / 2);
  boxed(context, fitted(context, matrix.columns.labels[under[1]], LABEL * 1.5), 0, 0, isTurned ? "left" : "center");
  context.restore();
}

/**
 * Text on a ground of its own, so that it is read above other text.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {"left" | "right" | "center"} align
 */
function boxed(context, text, x, y, align) {
  const width = context.measureText(text).width + 8;
  context.fillStyle = theme().ink;
  context.fillRect(x - { left: 4, center: width / 2, right: width - 4 }[align], y - 9, width, 18);
  context.fillStyle = theme().background;
  context.textAlign = align;
  context.fillText(text, x, y);
}
