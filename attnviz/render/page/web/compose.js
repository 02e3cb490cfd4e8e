/** The matrix that a state shows: one head or several as one, by tokens or words, with or without sinks. */

/**
 * The heads that are drawn as one: those of the set, or the head alone.
 * @param {State} state
 */
const headsShown = (state) => (state.set.length ? state.set : [state.head]);

/**
 * @param {State} state
 * @returns {Promise<Matrix>}
 */
async function compose(state) {
  const kind = facts.kinds[state.kind];
  const heads = headsShown(state);
  const summary = await summaryOf(state.kind);
  const all = await Promise.all(heads.map((head) => headWeights(state.kind, head)));
  const height = kind.rows.labels.length;
  const sums = heads.map((head) => summary.rowSums.subarray(head * height, (head + 1) * height));
  const words = state.words ? kind.words : null;
  const merge = words && ((/** @type {Float32Array} */ one) => mergeWords(one, kind.rows.words, kind.columns.words));
  const weights = merge ? all.map(merge) : all;
  const rowSums = words ? sums.map((one) => meanOfWords(one, kind.rows.words)) : sums;
  const rows = withTokens(words ? words.rows : kind.rows, words && kind.rows.words);
  const columns = withTokens(words ? words.columns : kind.columns, words && kind.columns.words);
  const causal = kind.kind === "masked-self";
  const how = heads.length === 1 ? "mean" : state.combine;
  const combined = combine(weights, how);
  const whole = {
    rows,
    columns,
    causal,
    ...combined,
    may: allowedPairs(causal, rows, columns),
    rowSums: how === "mean" ? meanOf(rowSums) : sumsOfRows(combined.weights, columns.labels.length),
    columnSums: new Float32Array(),
    removed: null,
    top: 1,
  };
  const shown = exclude(whole, state.sink, state.special);
  const isOne = heads.length === 1 && !words && shown === whole;
  return {
    ...shown,
    top: isOne ? kind.heads[heads[0]].top : topOfMatrix(shown),
    columnSums: isOne ? columnSumsOfHead(whole, summary, heads[0]) : sumsOfColumns(shown),
  };
}

/**
 * What each column of a head gets from all rows: of the summary, which holds it with 16 bits.
 * @param {Matrix} matrix
 * @param {Summary} summary
 * @param {number} head
 * @returns {Float32Array}
 */
function columnSumsOfHead({ may, columns }, summary, head) {
  const width = columns.labels.length;
  const seen = new Float32Array(width);
  for (let cell = 0; cell < may.length; cell++) seen[cell % width] += may[cell];
  return seen.map((rows, column) => rows * summary.received[head * width + column]);
}

/**
 * @param {Matrix} matrix
 * @returns {Float32Array}
 */
function sumsOfColumns({ weights, columns }) {
  const width = columns.labels.length;
  const sums = new Float32Array(width);
  for (let cell = 0; cell < weights.length; cell++) sums[cell % width] += weights[cell];
  return sums;
}

/**
 * @param {Float32Array} weights
 * @param {number} width
 * @returns {Float32Array}
 */
function sumsOfRows(weights, width) {
  const sums = new Float32Array(weights.length / width);
  for (let cell = 0; cell < weights.length; cell++) sums[Math.floor(cell / width)] += weights[cell];
  return sums;
}

/**
 * The axis with the first token of each of its cells, which the words of its tokens tell where it is one of words.
 * @param {Axis} axis
 * @param {number[] | null} words
 * @returns {Axis}
 */
function withTokens(axis, words) {
  return { ...axis, tokens: axis.ranges.map(([start], cell) => (words ? words.indexOf(cell) : start)) };
}

/**
 * Several heads as one: their mean, or their largest weight, and whose that is.
 * @param {Float32Array[]} weights
 * @param {State["combine"]} how
 * @returns {{weights: Float32Array, who: Uint16Array | null}}
 */
function combine(weights, how) {
  if (how === "mean") return { weights: weights.length === 1 ? weights[0] : meanOf(weights), who: null };
  const most = weights[0].slice();
  const who = new Uint16Array(most.length);
  for (let head = 1; head < weights.length; head++) {
    const one = weights[head];
    for (let cell = 0; cell < most.length; cell++) {
      if (one[cell] > most[cell]) {
        most[cell] = one[cell];
        who[cell] = head;
      }
    }
  }
  return { weights: most, who: how === "who" ? who : null };
}

/**
 * @param {Float32Array[]} lists
 * @returns {Float32Array}
 */
function meanOf(lists) {
  const mean = new Float32Array(lists[0].length);
  for (const list of lists) for (let i = 0; i < mean.length; i++) mean[i] += list[i] / lists.length;
  return mean;
}

/**
 * The cell of an axis that a token is in; the last before it where its own was taken out, or -1.
 * @param {Axis} axis
 * @param {number} token
 */
function cellOf(axis, token) {
  return axis.tokens.findLastIndex((start) => start <= token);
}

/**
 * The row and the column under the crosshair, as cells of `matrix`.
 * @param {Matrix} matrix
 * @param {State["cursor"]} cursor
 * @returns {[number, number] | null}
 */
function cursorCells(matrix, cursor) {
  if (!cursor) return null;
  const [row, column] = [cellOf(matrix.rows, cursor[0]), cellOf(matrix.columns, cursor[1])];
  return row < 0 || column < 0 ? null : [row, column];
}

/**
 * The cells of the tokens in focus, on the axis that the direction names.
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {number[]}
 */
function focusCells(matrix, state) {
  const axis = state.direction === "from" ? matrix.rows : matrix.columns;
  return state.focus.map((token) => axis.tokens.indexOf(token)).filter((cell) => cell >= 0);
}

/**
 * What the tokens in focus give to each column together, or what each row gives to them.
 * @param {Matrix} matrix
 * @param {number[]} cells
 * @param {State["direction"]} direction
 * @returns {Float32Array}
 */
function weightsOfFocus(matrix, cells, direction) {
  const width = matrix.columns.labels.length;
  const length = direction === "from" ? width : matrix.rows.labels.length;
  const sums = new Float32Array(length);
  for (const cell of cells) {
    for (let i = 0; i < length; i++) sums[i] += matrix.weights[direction === "from" ? cell * width + i : i * width + cell];
  }
  return sums;
}
