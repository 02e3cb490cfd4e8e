/** What the colours mean. */

/** The most that 8 bits move a weight: a weight is not said to exceed the scale by less. */
const STEP = 0.004;

/**
 * Show the scale of a matrix: a bar of its colours with numbers, or the heads whose hues are drawn.
 * @param {Matrix} matrix
 * @param {State} state
 */
function showScale(matrix, state) {
  const box = byId("scale");
  if (state.view === "matrix" && matrix.who) {
    box.replaceChildren(say("whichHead"), ...headsShown(state).map((head, place) => hueKey(state, head, place)));
    return;
  }
  if (state.view === "compare") {
    box.replaceChildren(...compareScale(matrix, state));
    return;
  }
  if (state.view === "neurons") {
    box.replaceChildren(...stripsScale(matrix, state));
    return;
  }
  const isText = state.view === "text" || state.view === "step";
  const top = isText ? topOfText(matrix, state) : matrix.top;
  const bar = barOf(isText ? palette().text : palette().cells);
  const bottom = state.scale === "log" ? `≤${numeral(bottomOf(top))}` : "0";
  const exceeds = matrix.weights.some((weight) => weight > top + STEP) && !isText;
  /** @type {(string | Node)[]} */
  const parts = [bottom, bar, `${exceeds ? "≥" : ""}${numeral(top)}`, say(state.scale === "log" ? "legendLog" : "weight")];
  if (!isText && matrix.may.includes(0)) parts.push(blankKey());
  if (matrix.removed) {
    const isPooled = matrix.rows.ranges.some(([start, stop]) => stop - start > 1);
    parts.push(say(isPooled ? "removedLargestMean" : "removedMean", { removed: exactly(meanNumber(matrix.removed)) }));
  }
  if (facts.kinds[state.kind].isPooled) parts.push(say("cells"));
  box.replaceChildren(...parts.map((part) => (typeof part === "string" ? make("span", {}, part) : part)));
}

/**
 * A bar of colours, from the low end of a scale to the high one.
 * @param {Uint8Array} colours
 */
function barOf(colours) {
  const bar = make("canvas", { width: 256, height: 1, className: "bar", "aria-hidden": "true" });
  const context = /** @type {CanvasRenderingContext2D} */ (bar.getContext("2d"));
  for (let i = 0; i < 256; i++) {
    context.fillStyle = colourAt(colours, i / 255);
    context.fillRect(i, 0, 1, 1);
  }
  return bar;
}

/**
 * The scale of two matrices, and that of their difference.
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {Node[]}
 */
function compareScale({ comparison, top }, state) {
  if (typeof comparison !== "object") return [];
  const [bottom, most] = [state.scale === "log" ? `≤${numeral(bottomOf(comparison.a.top))}` : "0", numeral(comparison.a.top)];
  const key = (/** @type {(string | Node)[]} */ ...parts) => make("span", { className: "key" }, ...parts);
  return [
    key(bottom, barOf(palette().cells), `${most} ${say(state.scale === "log" ? "legendLog" : "weight")}`),
    key(`−${numeral(top)}`, barOf(palette().difference), `${numeral(top)} ${lettersOf(state).join(" − ")}`),
  ];
}

/**
 * Where the scale of the text ends: the largest sum that is shaded.
 * @param {Matrix} matrix
 * @param {State} state
 */
function topOfText(matrix, state) {
  return topOf(Math.max(...weightsOfFocus(matrix, cellsShown(matrix, state), directionShown(state))), Infinity);
}

/** @param {number} value */
const numeral = (value) => String(Number(value.toPrecision(3)));

/** @param {Float32Array} numbers */
const meanNumber = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / Math.max(1, numbers.length);

function blankKey() {
  const swatch = make("span", { className: "swatch" });
  swatch.style.backgroundColor = theme().blank;
  return make("span", { className: "key" }, swatch, say("blank"));
}

/**
 * @param {State} state
 * @param {number} head
 * @param {number} place
 */
function hueKey(state, head, place) {
  const swatch = make("span", { className: "swatch" });
  swatch.style.backgroundColor = hueOf(place);
  return make("span", { className: "key" }, swatch, headName(facts.kinds[state.kind].heads[head]));
}
