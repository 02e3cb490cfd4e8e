/** Differences: what two traces have in common, and A − B there. A is the trace that is shown, B the other. */

/** The scale of a difference ends no sooner, by the bits of a weight: what two weights are off by would look like something. */
const LEAST_TOP = { 8: 0.01, 16: 0.0001 };

/**
 * What is known of the state's kind and of the same kind of the other trace; null where that has no such kind.
 * @param {State} state
 * @returns {{kind: number, tokens: CommonTokens | null, words: CommonTokens | null, command: string | null} | null}
 */
function pairOf(state) {
  const found = facts.pairs.find(
    ({ kinds }) => kinds.includes(state.kind) && kinds.some((kind) => facts.kinds[kind].trace === state.other),
  );
  if (!found) return null;
  const place = found.kinds.indexOf(state.kind);
  const turned = (/** @type {CommonTokens | null} */ common) =>
    common && place ? { ...common, rows: common.rows.map(swapped), columns: common.columns.map(swapped), alone: swapped(common.alone) } : common;
  return {
    kind: found.kinds[1 - place],
    tokens: turned(found.tokens),
    words: turned(found.words),
    command: found.commands[place],
  };
}

/**
 * @template Side
 * @param {[Side, Side]} pair
 * @returns {[Side, Side]}
 */
const swapped = ([a, b]) => [b, a];

/**
 * The head of a kind with the same layer and number, or -1.
 * @param {number} kind
 * @param {Head} head
 */
const sameHead = (kind, head) => facts.kinds[kind].heads.findIndex((one) => headName(one) === headName(head));

/**
 * A − B of the heads that a state shows, in their common cells; where there is no such difference, A and the reason.
 * @param {State} state
 * @returns {Promise<Matrix>}
 */
async function composeDifference(state) {
  const asked = /** @type {State} */ ({ ...state, combine: state.combine === "who" ? "max" : state.combine });
  const a = await compose(asked);
  const pair = pairOf(state);
  const trace = letterOf(state.other ?? 0);
  if (!pair) return { ...a, comparison: say("noKind", { trace, kind: KIND_NAMES[facts.kinds[state.kind].kind]() }) };
  const common = state.words ? pair.words : pair.tokens;
  if (!common) return { ...a, comparison: say("sharedCells") };
  const named = headsShown(state).map((head) => facts.kinds[state.kind].heads[head]);
  const heads = named.map((head) => sameHead(pair.kind, head));
  if (heads.includes(-1)) return { ...a, comparison: say("noHead", { trace, head: headName(named[heads.indexOf(-1)]) }) };
  const words = state.words && facts.kinds[pair.kind].words !== null;
  const b = await compose({ ...asked, kind: pair.kind, head: heads[0], set: state.set.length ? heads : [], words });
  const top = Math.max(a.top, b.top);
  return difference({ ...a, top }, { ...b, top }, common) ?? { ...a, comparison: say("nothingCommon") };
}

/**
 * A − B in the cells of common tokens; null where there is none.
 * @param {Matrix} a
 * @param {Matrix} b
 * @param {CommonTokens} common
 * @returns {Matrix | null}
 */
function difference(a, b, common) {
  const [rows, columns] = [commonCells(common.rows, a.rows, b.rows), commonCells(common.columns, a.columns, b.columns)];
  if (!rows.length || !columns.length) return null;
  const weights = new Float32Array(rows.length * columns.length);
  const may = new Uint8Array(weights.length);
  let cell = 0;
  for (const [row, otherRow] of rows) {
    for (const [column, otherColumn] of columns) {
      const [one, other] = [row * a.columns.labels.length + column, otherRow * b.columns.labels.length + otherColumn];
      may[cell] = a.may[one] & b.may[other];
      weights[cell++] = a.weights[one] - b.weights[other];
    }
  }
  return {
    rows: { ...pickCells(a.rows, rows.map(([row]) => row)), labels: rows.map(([, , place]) => common.labels[place]) },
    columns: pickCells(a.columns, columns.map(([column]) => column)),
    weights,
    may,
    rowSums: new Float32Array(rows.length),
    columnSums: new Float32Array(columns.length),
    removed: null,
    who: null,
    top: topOf(weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), LEAST_TOP[facts.bits])),
    causal: a.causal,
    isSigned: true,
    comparison: { a, b, common },
  };
}

/**
 * The cells of common tokens, as those of A and of B, and their places in the list; without tokens that were left out.
 * @param {[number, number][]} tokens
 * @param {Axis} a
 * @param {Axis} b
 * @returns {[number, number, number][]}
 */
function commonCells(tokens, a, b) {
  const cells = tokens.map(([one, other], place) => /** @type {[number, number, number]} */ ([a.tokens.indexOf(one), b.tokens.indexOf(other), place]));
  return cells.filter(([one, other]) => one >= 0 && other >= 0);
}

/**
 * The tokens in focus and under the crosshair as tokens of B, as far as it has them.
 * @param {CommonTokens} common
 * @param {Pick<State, "focus" | "cursor" | "direction">} state
 * @returns {Pick<State, "focus" | "cursor">}
 */
function tokensOfOther(common, { focus, cursor, direction }) {
  const other = (/** @type {[number, number][]} */ pairs, /** @type {number} */ token) => pairs.find(([one]) => one === token)?.[1];
  const axis = direction === "from" ? common.rows : common.columns;
  const [row, column] = cursor ? [other(common.rows, cursor[0]), other(common.columns, cursor[1])] : [];
  return {
    focus: focus.map((token) => other(axis, token)).filter((token) => token !== undefined),
    cursor: row === undefined || column === undefined ? null : [row, column],
  };
}

/**
 * The same of another kind, which is of another trace.
 * @param {number} kind
 * @param {State} state
 */
function tokensIn(kind, state) {
  const pair = pairOf({ ...state, other: facts.kinds[kind].trace });
  const common = pair?.kind === kind ? (state.words ? pair.words : pair.tokens) : null;
  return common ? tokensOfOther(common, state) : { focus: [], cursor: null };
}
