/** The views of a matrix, each with its name, its key, and what puts it on the page. */

/**
 * @typedef {object} View
 * @property {() => string} name
 * @property {string} key  On the keyboard.
 * @property {(box: HTMLElement, matrix: Matrix, state: State) => void} show
 */

/** @type {Object<string, View>} */
const VIEWS = {
  matrix: { name: () => say("viewMatrix"), key: "m", show: showMatrix },
  lines: { name: () => say("viewLines"), key: "l", show: showLines },
  arcs: { name: () => say("viewArcs"), key: "a", show: showArcs },
  text: { name: () => say("viewText"), key: "t", show: showText },
  step: { name: () => say("viewStep"), key: "s", show: showStep },
};

/**
 * The views that a kind has.
 * @param {State} state
 * @returns {string[]}
 */
function viewsOf(state) {
  const { rows, columns, oneSequence } = facts.kinds[state.kind];
  const isOneText = oneSequence && String(rows.ranges) === String(columns.ranges);
  const has = { arcs: isOneText, step: rows.written.includes(true) };
  return Object.keys(VIEWS).filter((view) => /** @type {Object<string, boolean>} */ (has)[view] ?? true);
}
