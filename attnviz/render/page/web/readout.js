/** The lines of words below the pictures: what is under the crosshair, and what the tokens in focus look at. */

/** So many of the largest weights are named. */
const NAMED = 5;

/**
 * @param {Matrix} matrix
 * @param {State} state
 */
function showReadout(matrix, state) {
  if (state.view === "compare") {
    byId("readout").textContent = compareWords(matrix, state).join(" · ");
    return;
  }
  const parts = state.view === "matrix" ? cellWords(matrix, state) : [];
  const cells = cellsShown(matrix, state);
  if (cells.length) parts.push(cellsWords(matrix, { ...state, direction: directionShown(state) }, cells));
  byId("readout").textContent = parts.join(" · ");
}

/**
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {string[]}
 */
function cellWords(matrix, state) {
  const under = cursorCells(matrix, state.cursor);
  if (!under) return [];
  const [row, column] = under;
  const width = matrix.columns.labels.length;
  const at = row * width + column;
  const sum = matrix.columnSums[column];
  const seen = matrix.rows.labels.filter((_, i) => matrix.may[i * width + column]).length;
  const weight = matrix.may[at] ? exactly(matrix.weights[at]) : say("notThere");
  const parts = [say("readCell", { from: matrix.rows.labels[row], to: matrix.columns.labels[column], weight })];
  if (matrix.who) parts.push(headName(facts.kinds[state.kind].heads[headsShown(state)[matrix.who[at]]]));
  parts.push(say("rowSum", { sum: matrix.rowSums[row].toFixed(2) }));
  if (matrix.removed) {
    const [start, stop] = matrix.rows.ranges[row];
    parts.push(say(stop - start > 1 ? "removedLargest" : "removed", { removed: exactly(matrix.removed[row]) }));
  }
  if (seen && !facts.kinds[state.kind].isPooled) parts.push(say("received", { sum: sum.toFixed(2), mean: exactly(sum / seen) }));
  return parts;
}

/**
 * What some cells of the axis that the direction names look at, or are looked at by, in words.
 * @param {Matrix} matrix
 * @param {State} state
 * @param {number[]} cells
 */
function cellsWords(matrix, state, cells) {
  const weights = weightsOfFocus(matrix, cells, state.direction);
  const [from, to] = state.direction === "from" ? [matrix.rows, matrix.columns] : [matrix.columns, matrix.rows];
  const list = largestOf(weights, NAMED).map((cell) => `${to.labels[cell]} ${exactly(weights[cell])}`).join(", ");
  const tokens = cells.map((cell) => from.labels[cell]).join(" + ");
  return say(state.direction === "from" ? "focusFrom" : "focusTo", { tokens, list: list || "–" });
}

/**
 * The head, or heads, that are drawn, by name.
 * @param {State} state
 */
function shownName(state) {
  const names = headsShown(state).map((head) => headName(facts.kinds[state.kind].heads[head]));
  if (names.length === 1) return names[0];
  return `${say(state.combine)}: ${names.slice(0, 8).join(", ")}${names.length > 8 ? ` … (${names.length})` : ""}`;
}

/**
 * What is known of a head: its role, its strongest link, and whether the rule of `plot` has chosen it.
 * @param {State} state
 * @param {number} head
 * @returns {string[]}
 */
function headWords(state, head) {
  const kind = facts.kinds[state.kind];
  const { role, link } = kind.heads[head];
  const parts = [];
  if (role) parts.push(say("role", { role: roleName(role[0]), value: role[1].toFixed(2), baseline: role[2].toFixed(2) }));
  else parts.push(say("noRole"));
  if (link) {
    const [from, to] = [kind.rows.labels[link[0]], kind.columns.labels[link[1]]];
    parts.push(say("strongest", { from, to, weight: link[2].toFixed(2) }));
  }
  if (head === kind.chosen.head) {
    const { value, baseline, isSure, measured } = kind.chosen;
    const numbers = { value: value.toFixed(2), baseline: baseline.toFixed(2) };
    parts.push(measured ? say("measured", { ...numbers, role: measured }) : say("chosen", numbers));
    if (!isSure) parts.push(say("notSure"));
  }
  return parts;
}
