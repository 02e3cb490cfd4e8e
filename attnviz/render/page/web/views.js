/** The views of a matrix, each with its name, its key, and what puts it on the page. */

/**
 * @typedef {object} View
 * @property {() => string} name
 * @property {string} key  On the keyboard.
 * @property {(box: HTMLElement, matrix: Matrix, state: State) => void} show
 * @property {(state: State) => void} [move]  Moves its crosshair.
 * @property {(state: State) => Promise<Matrix>} [compose]  Makes its matrix, where that is not the one of all views.
 * @property {(state: State) => State} [plain]  The state without what it cannot show.
 */

/** @type {Object<string, View>} */
const VIEWS = {
  matrix: { name: () => say("viewMatrix"), key: "m", show: showMatrix, move: moveCrosshair },
  lines: { name: () => say("viewLines"), key: "l", show: showLines },
  arcs: { name: () => say("viewArcs"), key: "a", show: showArcs },
  text: { name: () => say("viewText"), key: "t", show: showText },
  neurons: { name: () => say("viewNeurons"), key: "q", show: showNeurons, compose: composeNeurons, plain: plainState },
  step: { name: () => say("viewStep"), key: "s", show: showStep },
  compare: { name: () => say("viewCompare"), key: "c", show: showCompare, move: moveCompare, compose: composeDifference },
};

/**
 * The views that a kind has.
 * @param {State} state
 * @returns {string[]}
 */
function viewsOf(state) {
  const { rows, columns, oneSequence } = facts.kinds[state.kind];
  const isOneText = oneSequence && String(rows.ranges) === String(columns.ranges);
  const has = { compare: facts.traces.length > 1, arcs: isOneText, step: rows.written.includes(true) };
  return Object.keys(VIEWS).filter((view) => /** @type {Object<string, boolean>} */ (has)[view] ?? true);
}
