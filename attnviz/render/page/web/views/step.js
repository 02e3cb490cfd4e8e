/** Steps: the tokens that a decoder wrote, one after the other, and what each of them was written from. */

/**
 * @param {HTMLElement} box
 * @param {Matrix} matrix
 * @param {State} state
 */
function showStep(box, matrix, state) {
  const steps = stepCells(matrix);
  const now = stepShown(matrix, state);
  const weights = weightsOfFocus(matrix, [now], "from");
  const seen = seenByFocus(matrix, [now], "from");
  const top = topOfText(matrix, state);
  const shaded = passage(matrix.columns, null, "shaded", (cell) => ({
    part: seen[cell] ? partOf(weights[cell], top, state.scale) : 0,
    weight: seen[cell] ? weights[cell] : null,
    isChosen: false,
  }));
  const told = say("writes", { step: steps.indexOf(now) + 1, steps: steps.length, token: matrix.rows.labels[now] });
  const sources = largestOf(weights, NAMED).map((cell) => {
    const meter = make("meter", { min: 0, max: 1, value: weights[cell], "aria-label": matrix.columns.labels[cell] });
    return make("li", {}, meter, ` ${exactly(weights[cell])} ${matrix.columns.labels[cell]}`);
  });
  const slider = stepSlider(steps, now, matrix, told);
  const list = make("ol", { className: "sources" }, ...sources);
  box.replaceChildren(make("h3", {}, told), slider, shaded, make("h3", {}, say("sources")), list);
}

/**
 * The rows that write a token of the answer.
 * @param {Matrix} matrix
 */
const stepCells = (matrix) => indices(matrix.rows.written);

/**
 * The row of the step that is shown: that of a token in focus, or the first.
 * @param {Matrix} matrix
 * @param {State} state
 */
function stepShown(matrix, state) {
  const steps = stepCells(matrix);
  const focus = state.direction === "from" ? focusCells(matrix, state) : [];
  return steps.find((cell) => focus.includes(cell)) ?? steps[0];
}

/**
 * @param {number[]} steps
 * @param {number} now
 * @param {Matrix} matrix
 * @param {string} told
 */
function stepSlider(steps, now, matrix, told) {
  const slider = make("input", { type: "range", min: "0", max: String(steps.length - 1), id: "step" });
  slider.value = String(steps.indexOf(now));
  slider.setAttribute("aria-label", say("viewStep"));
  slider.setAttribute("aria-valuetext", told);
  slider.addEventListener("change", () => {
    change({ direction: "from", focus: [matrix.rows.tokens[steps[Number(slider.value)]]] });
  });
  return slider;
}
