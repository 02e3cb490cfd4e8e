/** Arcs: tokens in a row; above them arcs where a query looks back, below where it looks ahead. */

/** No arc is higher. */
const HIGHEST = 240;

/**
 * @param {HTMLElement} box
 * @param {Matrix} matrix
 * @param {State} state
 */
function showArcs(box, matrix, state) {
  showLinks(box, matrix, state, arcsPicture(matrix, state), say("arcsOf", { head: shownName(state) }));
}

/**
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {Picture}
 */
function arcsPicture(matrix, state) {
  const { labels } = matrix.columns;
  const ruler = /** @type {CanvasRenderingContext2D} */ (make("canvas").getContext("2d"));
  setFont(ruler, 12);
  const pitch = Math.max(6, Math.min(72, (byId("view").clientWidth - 16) / labels.length));
  const length = widest(ruler, labels, LABEL);
  const isTurned = length > pitch - 6;
  const band = (isTurned ? length : LINE) + 12;
  const high = Math.min(HIGHEST, (pitch * labels.length) / 2);
  const sizeOf = (/** @type {number} */ apart) => (apart ? 12 + ((high - 12) * Math.abs(apart)) / labels.length : 8);
  const [back, ahead] = reachOf(matrix, state);
  const above = sizeOf(back) + 10;
  const place = (/** @type {number} */ cell) => 8 + (cell + 0.5) * pitch;
  return {
    width: 16 + labels.length * pitch,
    height: above + band + sizeOf(ahead) + 10,
    paint: (brush, focus) => {
      const chosen = focus ?? focusCells(matrix, state);
      paintBand(brush, labels, { above, band, pitch, place, isTurned }, chosen);
      for (const cell of linksToDraw(matrix, state, chosen).cells) {
        const [from, to] = [Math.floor(cell / labels.length), cell % labels.length];
        styleLink(brush, matrix, state, cell, pitch);
        const y = to <= from ? above - 2 : above + band + 2;
        const size = sizeOf(from - to);
        paintArc(brush, place(from), place(to), y, to <= from ? -size : size, pitch);
      }
      brush.globalAlpha = 1;
    },
    tokenAt: (x, y) => {
      const cell = Math.floor((x - 8) / pitch);
      return y > above - 4 && y < above + band + 4 && cell >= 0 && cell < labels.length ? [state.direction, cell] : null;
    },
  };
}

/**
 * How many tokens the links reach back at most, and ahead.
 * @param {Matrix} matrix
 * @param {State} state
 */
function reachOf(matrix, state) {
  const width = matrix.columns.labels.length;
  const reach = [0, 0];
  for (const cell of linksToDraw(matrix, { ...state, mass: 100 }, []).cells) {
    const back = Math.floor(cell / width) - (cell % width);
    reach[0] = Math.max(reach[0], back);
    reach[1] = Math.max(reach[1], -back);
  }
  return reach;
}

/**
 * @param {Brush} brush
 * @param {number} from
 * @param {number} to
 * @param {number} y  Where its feet are.
 * @param {number} size  How far its top is from there.
 * @param {number} pitch
 */
function paintArc(brush, from, to, y, size, pitch) {
  const [a, b] = from === to ? [from - Math.min(6, pitch / 3), from + Math.min(6, pitch / 3)] : [from, to];
  brush.beginPath();
  brush.moveTo(a, y);
  brush.bezierCurveTo(a, y + (size * 4) / 3, b, y + (size * 4) / 3, b, y);
  brush.stroke();
}

/**
 * The tokens, between the arcs.
 * @param {Brush} brush
 * @param {string[]} labels
 * @param {{above: number, band: number, pitch: number, place: (cell: number) => number, isTurned: boolean}} layout
 * @param {number[]} chosen
 */
function paintBand(brush, labels, { above, band, pitch, place, isTurned }, chosen) {
  brush.fillStyle = theme().ink;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  const every = Math.max(1, Math.ceil(LINE / pitch));
  labels.forEach((label, cell) => {
    if (cell % every && !chosen.includes(cell)) return;
    setFont(brush, 12, chosen.includes(cell));
    const text = fitted(brush, label, isTurned ? band - 8 : pitch);
    if (isTurned) turned(brush, place(cell), above + band / 2, text);
    else brush.fillText(text, place(cell), above + band / 2);
  });
}
