/** From weights to colours: the scales and palettes of `attnviz plot`. */

/** In a text of more columns than this a decoder's first key does not count for the scale. */
const LONG = 64;
/** A logarithmic scale covers so many powers of ten. */
const DECADES = 3;

/**
 * `largest` rounded up to one or two significant digits, at most `most`; 1 where there is none. `top_of` in `scene.py`.
 * @param {number} largest
 */
function topOf(largest, most = 1) {
  if (!(largest > 0)) return 1;
  const step = 10 ** Math.floor(Math.log10(largest)) / 2;
  return Number(Math.min(Math.ceil(largest / step - 1e-6) * step, most).toPrecision(6));
}

/**
 * Where the scale of a matrix ends.
 * @param {Matrix} matrix
 */
function topOfMatrix({ weights, columns, causal }) {
  const width = columns.labels.length;
  const leavesOut = causal && width > LONG && columns.tokens[0] === 0;
  let [rest, all] = [0, 0];
  for (let cell = 0; cell < weights.length; cell++) {
    if (weights[cell] > all) all = weights[cell];
    if (weights[cell] > rest && !(leavesOut && cell % width === 0)) rest = weights[cell];
  }
  return topOf(rest || all);
}

/**
 * How far along the scale a weight is, from 0 to 1.
 * @param {number} weight
 * @param {number} top
 * @param {State["scale"]} scale
 */
function partOf(weight, top, scale) {
  if (scale === "linear") return Math.min(weight / top, 1);
  const bottom = bottomOf(top);
  return Math.min(Math.max(Math.log(Math.max(weight, bottom) / bottom) / Math.log(top / bottom), 0), 1);
}

/**
 * How far along its scale a cell of a matrix is: of a difference from -top to top, with 0 in the middle.
 * @param {Matrix} matrix
 * @param {number} cell
 * @param {State["scale"]} scale
 */
function partOfCell({ weights, top, isSigned }, cell, scale) {
  if (!isSigned) return partOf(weights[cell], top, scale);
  return Math.min(Math.max((weights[cell] / top + 1) / 2, 0), 1);
}

/**
 * The colours along the scale of a matrix.
 * @param {Matrix} matrix
 */
const coloursOf = ({ isSigned }) => (isSigned ? palette().difference : palette().cells);

/**
 * Where a logarithmic scale that ends at `top` begins.
 * @param {number} top
 */
const bottomOf = (top) => 10 ** (Math.ceil(Math.log10(top) - 1e-9) - DECADES);

/**
 * @typedef {object} Palette
 * @property {Uint8Array} cells  256 colours, three bytes each, for cells.
 * @property {Uint8Array} text  The same for the background of text.
 * @property {Uint8Array} difference  The same for differences, with 0 in the middle.
 */

/** @type {Map<string, Palette>} */
const palettes = new Map();

/** The theme in force: that of the state, or else of the system. */
function themeName() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

const theme = () => facts.themes[themeName()];

/** @returns {Palette} */
function palette() {
  const name = themeName();
  let found = palettes.get(name);
  if (!found) {
    const bytes = (/** @type {string} */ text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const { cells, text, difference } = facts.themes[name];
    found = { cells: bytes(cells), text: bytes(text), difference: bytes(difference) };
    palettes.set(name, found);
  }
  return found;
}

/**
 * A colour of a palette as CSS has it.
 * @param {Uint8Array} colours
 * @param {number} part  How far along the palette, from 0 to 1.
 */
function colourAt(colours, part) {
  const at = Math.round(part * 255) * 3;
  return `rgb(${colours[at]},${colours[at + 1]},${colours[at + 2]})`;
}

/**
 * Black or white: what is read best on that colour, by WCAG's contrast.
 * @param {Uint8Array} colours
 * @param {number} part
 */
function inkOn(colours, part) {
  const at = Math.round(part * 255) * 3;
  const [red, green, blue] = [0, 1, 2].map((channel) => {
    const value = colours[at + channel] / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#fff" : "#000";
}

/**
 * A weight as it is written in a cell: `.52`, `1.0`, a dot for 0.00. `format_weight` in Python.
 * @param {number} weight
 * @returns {string}
 */
function formatWeight(weight) {
  if (weight <= -0.005) return `−${formatWeight(-weight)}`;
  if (weight < 0.005) return "·";
  return weight >= 0.995 ? weight.toFixed(1) : weight.toFixed(2).slice(1);
}

/**
 * A weight to as many digits as the page holds of it.
 * @param {number} weight
 */
const exactly = (weight) => weight.toFixed(facts.bits === 8 ? 3 : 5);
