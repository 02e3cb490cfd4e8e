/** The tokens in focus: which are, where none was chosen, and what they look at. */

/**
 * Put a token into focus, or with `adds` add it or take it out again.
 * @param {State["direction"]} direction
 * @param {number} token
 * @param {boolean} adds
 */
function pickToken(direction, token, adds) {
  const isSame = direction === state.direction;
  const others = isSame ? state.focus.filter((one) => one !== token) : [];
  const had = isSame && state.focus.includes(token);
  if (adds) change({ direction, focus: had ? others : [...others, token] });
  else change({ direction, focus: had && state.focus.length === 1 ? [] : [token] });
}

/**
 * Look from the other side: of one text the tokens in focus stay.
 * @param {State["direction"]} direction
 */
function turnTo(direction) {
  change({ direction, focus: facts.kinds[state.kind].oneSequence ? state.focus : [] });
}

/**
 * The cells in focus; where none is, that of the strongest link between two content words of the head, as in `plot`.
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {number[]}
 */
function focusOrStrongest(matrix, state) {
  const chosen = focusCells(matrix, state);
  if (chosen.length) return chosen;
  const kind = facts.kinds[state.kind];
  const axis = state.direction === "from" ? "rows" : "columns";
  const link = kind.heads[headsShown(state)[0]].link;
  const cell = link ? link[state.direction === "from" ? 0 : 1] : matrix[axis].tokens.length - 1;
  const token = link ? kind[axis].ranges[cell][0] : matrix[axis].tokens[cell];
  return [Math.max(0, cellOf(matrix[axis], token))];
}

/**
 * The cells whose weights the view of a state shows, on the axis that the direction names; none where it shows all.
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {number[]}
 */
function cellsShown(matrix, state) {
  if (state.view === "step") return [stepShown(matrix, state)];
  if (state.view === "neurons") return [queryShown(matrix, state)];
  return state.view === "text" ? focusOrStrongest(matrix, state) : focusCells(matrix, state);
}

/**
 * Whether the tokens that the view shows look, or are looked at: what was written, looks.
 * @param {State} state
 */
const directionShown = (state) => (state.view === "step" ? "from" : state.direction);

/**
 * The cells that get the largest weights, at most so many, largest first.
 * @param {Float32Array} weights
 * @param {number} count
 * @returns {number[]}
 */
function largestOf(weights, count) {
  return [...weights.keys()].filter((cell) => weights[cell] > 0).sort((a, b) => weights[b] - weights[a]).slice(0, count);
}

/**
 * Which cells any of those in focus may look at, or be looked at by.
 * @param {Matrix} matrix
 * @param {number[]} cells
 * @param {State["direction"]} direction
 * @returns {boolean[]}
 */
function seenByFocus(matrix, cells, direction) {
  const width = matrix.columns.labels.length;
  const length = direction === "from" ? width : matrix.rows.labels.length;
  return Array.from({ length }, (_, i) =>
    cells.some((cell) => matrix.may[direction === "from" ? cell * width + i : i * width + cell]),
  );
}
