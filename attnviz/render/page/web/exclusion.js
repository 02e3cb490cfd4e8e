/** A matrix without its first key or its special tokens, by the rules of `attnviz.render.exclusion`. */

/** A row that has no more left than this has lost everything. */
const NOTHING = 1e-6;

/**
 * `matrix` with what the state takes out: columns left empty or taken away, rows divided by what is left of them.
 * @param {Matrix} matrix
 * @param {State["sink"]} sink
 * @param {State["special"]} special
 * @returns {Matrix}
 */
function exclude(matrix, sink, special) {
  const { rows, columns } = matrix;
  const width = columns.labels.length;
  const specials = columns.special.map((is) => is && special !== "show");
  const taken = columns.ranges.map(([start], column) => specials[column] || (sink !== "show" && start === 0));
  const keptRows = indices(rows.special.map((is) => !is || special === "show"));
  const keptColumns = indices(specials.map((is) => !is));
  if (!keptRows.length || !keptColumns.length) return matrix;
  if (!taken.includes(true) && keptRows.length === rows.labels.length) return matrix;
  const divides = sink === "renorm" || special === "renorm";
  const isWhole = columns.ranges.every(([start, stop]) => stop - start === 1);
  const weights = new Float32Array(keptRows.length * keptColumns.length);
  const may = new Uint8Array(weights.length);
  const removed = new Float32Array(keptRows.length);
  keptRows.forEach((row, index) => {
    const given = matrix.weights.subarray(row * width, (row + 1) * width);
    const pooled = rows.ranges[row][1] - rows.ranges[row][0] > 1;
    let left = 0;
    for (let column = 0; column < width; column++) {
      if (!taken[column]) left += given[column];
      else removed[index] = pooled ? Math.max(removed[index], given[column]) : removed[index] + given[column];
    }
    const seen = Math.abs(matrix.rowSums[row] - left - removed[index]) < 0.1 && isWhole;
    const rest = seen ? left : matrix.rowSums[row] - removed[index];
    const emptied = removed[index] > 0 && rest <= NOTHING;
    const factor = emptied ? 0 : divides && removed[index] > 0 && !pooled ? 1 / rest : 1;
    keptColumns.forEach((column, place) => {
      const cell = index * keptColumns.length + place;
      may[cell] = taken[column] || emptied ? 0 : matrix.may[row * width + column];
      weights[cell] = taken[column] ? 0 : given[column] * factor;
    });
  });
  return {
    ...matrix,
    rows: pickCells(rows, keptRows),
    columns: pickCells(columns, keptColumns),
    weights,
    may,
    removed,
    rowSums: Float32Array.from(keptRows, (row) => matrix.rowSums[row]),
    who: matrix.who && pickMatrix(matrix.who, width, keptRows, keptColumns),
  };
}

/**
 * The places of what is true.
 * @param {boolean[]} flags
 */
const indices = (flags) => flags.flatMap((is, index) => (is ? [index] : []));

/**
 * An axis of some of its cells.
 * @param {Axis} axis
 * @param {number[]} cells
 * @returns {Axis}
 */
function pickCells(axis, cells) {
  /** @type {<T>(list: T[]) => T[]} */
  const pick = (list) => (list.length ? cells.map((cell) => list[cell]) : list);
  return {
    labels: pick(axis.labels),
    ranges: pick(axis.ranges),
    texts: pick(axis.texts),
    spaced: pick(axis.spaced),
    lines: pick(axis.lines),
    special: pick(axis.special),
    written: pick(axis.written),
    words: pick(axis.words),
    tokens: pick(axis.tokens),
  };
}

/**
 * @param {Uint16Array} values
 * @param {number} width
 * @param {number[]} rows
 * @param {number[]} columns
 */
const pickMatrix = (values, width, rows, columns) =>
  Uint16Array.from(rows.flatMap((row) => columns.map((column) => values[row * width + column])));
