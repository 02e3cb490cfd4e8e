/** Lines: queries at the left, keys at the right, and a line for each link between them. */

/** The least and the most that tokens are apart, and how wide the picture is between the labels. */
const NEAREST = 3, FARTHEST = 24, BETWEEN = 420;

/**
 * @param {HTMLElement} box
 * @param {Matrix} matrix
 * @param {State} state
 */
function showLines(box, matrix, state) {
  showLinks(box, matrix, state, linesPicture(matrix, state), say("linesOf", { head: shownName(state) }));
}

/**
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {Picture}
 */
function linesPicture(matrix, state) {
  const { rows, columns } = matrix;
  const ruler = /** @type {CanvasRenderingContext2D} */ (make("canvas").getContext("2d"));
  setFont(ruler, 12);
  const most = Math.max(rows.labels.length, columns.labels.length);
  const pitch = Math.max(NEAREST, Math.min(FARTHEST, (innerHeight * 0.7) / most));
  const available = byId("view").clientWidth;
  const label = Math.min(LABEL, available / 3);
  const left = widest(ruler, rows.labels, label) + 8;
  const right = Math.min(available - widest(ruler, columns.labels, label) - 8, left + BETWEEN);
  const place = (/** @type {number} */ cell) => 26 + (cell + 0.5) * pitch;
  return {
    width: right + widest(ruler, columns.labels, label) + 8,
    height: place(most),
    paint: (brush, focus) => {
      paintTokens(brush, matrix, state, { left, right, pitch, place }, focus);
      const width = columns.labels.length;
      for (const cell of linksToDraw(matrix, state, focus ?? focusCells(matrix, state)).cells) {
        const [from, to] = [place(Math.floor(cell / width)), place(cell % width)];
        styleLink(brush, matrix, state, cell, pitch);
        brush.beginPath();
        brush.moveTo(left, from);
        brush.bezierCurveTo((left + right) / 2, from, (left + right) / 2, to, right, to);
        brush.stroke();
      }
      brush.globalAlpha = 1;
    },
    tokenAt: (x, y) => {
      const cell = Math.floor((y - 26) / pitch);
      if (x < left && cell >= 0 && cell < rows.labels.length) return ["from", cell];
      return x > right && cell >= 0 && cell < columns.labels.length ? ["to", cell] : null;
    },
  };
}

/**
 * The labels of both sides: all where they fit, or else every few, and always those in focus.
 * @param {Brush} brush
 * @param {Matrix} matrix
 * @param {State} state
 * @param {{left: number, right: number, pitch: number, place: (cell: number) => number}} layout
 * @param {number[] | undefined} focus
 */
function paintTokens(brush, matrix, state, { left, right, pitch, place }, focus) {
  const chosen = focus ?? focusCells(matrix, state);
  brush.textBaseline = "middle";
  const sides = /** @type {const} */ ([
    [matrix.rows, "from", "right", left - 6, say("query")],
    [matrix.columns, "to", "left", right + 6, say("key")],
  ]);
  for (const [axis, direction, align, x, name] of sides) {
    brush.textAlign = align;
    setFont(brush, 11);
    brush.fillStyle = theme().muted;
    brush.fillText(name, align === "right" ? Math.max(x, brush.measureText(name).width) : x, 10);
    const every = Math.max(1, Math.ceil(LINE / pitch));
    brush.fillStyle = theme().ink;
    axis.labels.forEach((label, cell) => {
      const isChosen = direction === state.direction && chosen.includes(cell);
      if (cell % every && !isChosen) return;
      setFont(brush, 12, isChosen);
      brush.fillText(fitted(brush, label, LABEL), x, place(cell));
    });
  }
}
