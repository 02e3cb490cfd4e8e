/** The numbers behind the picture as a table, for readers who hear the page and for those who copy numbers. */

/** The table has so many rows and columns; a larger matrix its first, and the tokens in focus. */
const TABLE = 40;

/**
 * Fill the table where it is open.
 * @param {Matrix} matrix
 * @param {State} state
 */
function showTable(matrix, state) {
  const details = /** @type {HTMLDetailsElement} */ (byId("numbers"));
  if (!details.open) return;
  if (matrix.neurons) {
    byId("table").replaceChildren(scoreTable(matrix, matrix.neurons, state));
    return;
  }
  const focus = focusCells(matrix, state);
  const rows = tableCells(matrix.rows, state.direction === "from" ? focus : []);
  const columns = tableCells(matrix.columns, state.direction === "to" ? focus : []);
  const width = matrix.columns.labels.length;
  const head = make("tr", {}, make("td", {}, `${say("query")} ↓ ${say("key")} →`),
    ...columns.map((column) => make("th", { scope: "col" }, matrix.columns.labels[column])));
  const body = rows.map((row) =>
    make("tr", {}, make("th", { scope: "row" }, matrix.rows.labels[row]),
      ...columns.map((column) => {
        const at = row * width + column;
        return make("td", {}, matrix.may[at] ? exactly(matrix.weights[at]) : "");
      })),
  );
  const table = make("table", {}, make("caption", {}, shownName(state)), make("thead", {}, head), make("tbody", {}, ...body));
  const isCut = rows.length < matrix.rows.labels.length || columns.length < width;
  byId("table").replaceChildren(table, ...(isCut ? [make("p", {}, say("tableNote", { count: TABLE }))] : []));
}

/**
 * The cells of an axis that are in the table, in order.
 * @param {Axis} axis
 * @param {number[]} focus
 */
function tableCells(axis, focus) {
  const first = axis.labels.map((_, cell) => cell).slice(0, TABLE);
  return [...new Set([...first, ...focus])].sort((a, b) => a - b);
}

/**
 * What the score of the query that is shown and of each key is the sum of.
 * @param {Matrix} matrix
 * @param {Neurons} neurons
 * @param {State} state
 */
function scoreTable(matrix, neurons, state) {
  const query = queryShown(matrix, state);
  const columns = scoreColumns(matrix, neurons, query);
  const head = make("tr", {}, make("td", {}, say("key")), ...columns.map(({ title }) => make("th", { scope: "col" }, title)));
  const body = matrix.columns.labels.map((label, key) =>
    make("tr", {}, make("th", { scope: "row" }, label), ...columns.map(({ values }) => make("td", {}, values[key]))),
  );
  const caption = make("caption", {}, `${shownName(state)} · ${say("query")}: ${queryName(matrix, state, query)}`);
  return make("table", {}, caption, make("thead", {}, head), make("tbody", {}, ...body));
}
