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
  text: { name: () => say("viewText"), key: "t", show: showText },
};

/**
 * The views that a kind has.
 * @param {State} state
 * @returns {string[]}
 */
function viewsOf(state) {
  return Object.keys(VIEWS);
}
