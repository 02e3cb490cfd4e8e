/** Compare: A, B and A − B beside each other, with one crosshair and one focus. */

/** How high the title of a panel is, how far panels are apart, and how wide the page is where they stand beside each other. */
const PANEL_TITLE = 24, PANEL_GAP = 16, BESIDE = 640;
/** So many tokens that only one trace has are named. */
const NAMED_TOKENS = 12;

/**
 * @typedef {object} Panel  One of the three matrices: what is in focus is told in its own tokens.
 * @property {string} title
 * @property {Matrix} matrix
 * @property {State} state
 * @property {Grid} grid
 * @property {number} x
 * @property {number} y
 */

/** The panels that are on the page. @type {{matrix: Matrix, comparison: Comparison, panels: Panel[], width: number, crosshair: CanvasRenderingContext2D} | null} */
let shownPanels = null;

/**
 * @param {HTMLElement} box
 * @param {Matrix} matrix
 * @param {State} state
 */
function showCompare(box, matrix, state) {
  const { comparison } = matrix;
  [shownMatrix, shownPanels] = [null, null];
  if (typeof comparison !== "object") {
    box.replaceChildren(make("p", {}, comparison ?? ""));
    return;
  }
  const width = box.clientWidth;
  const picture = comparePicture(matrix, state, width);
  const panels = panelsOf(matrix, comparison, state, width);
  const cells = make("canvas", { "aria-hidden": "true" });
  const over = make("canvas", { className: "over", id: "matrix", tabIndex: 0, role: "img" });
  over.setAttribute("aria-label", say("compareOf", { head: shownName(state) }));
  const hadFocus = document.activeElement?.id === "matrix";
  const hints = leftOver(comparison, state).map((line) => make("p", { className: "hint" }, line));
  box.replaceChildren(make("div", { className: "layers" }, cells, over), ...hints);
  picture.paint(sized(cells, picture.width, picture.height));
  const crosshair = sized(over, picture.width, picture.height);
  shownMatrix = { matrix: comparison.a, grid: panels[0].grid, crosshair };
  shownPanels = { matrix, comparison, panels, width, crosshair };
  moveCompare(state);
  followPanels(over);
  if (hadFocus) over.focus();
}

/**
 * Move the crosshair of each panel.
 * @param {State} state
 */
function moveCompare(state) {
  if (!shownPanels) return;
  const { matrix, comparison, width, crosshair } = shownPanels;
  shownPanels.panels = panelsOf(matrix, comparison, state, width);
  for (const panel of shownPanels.panels) {
    inPanel(crosshair, panel, () => paintCrosshair(crosshair, panel.matrix, panel.state, panel.grid));
  }
}

/**
 * @param {Matrix} matrix
 * @param {State} state
 * @param {number} width
 * @returns {{width: number, height: number, paint: (brush: Brush) => void}}
 */
function comparePicture(matrix, state, width) {
  const { comparison } = matrix;
  const panels = typeof comparison === "object" ? panelsOf(matrix, comparison, state, width) : [];
  return {
    width,
    height: Math.max(0, ...panels.map(({ y, grid }) => y + PANEL_TITLE + grid.height)),
    paint: (brush) => panels.forEach((panel) => paintPanel(brush, panel)),
  };
}

/**
 * @param {Matrix} matrix
 * @param {Comparison} comparison
 * @param {State} state
 * @param {number} width
 * @returns {Panel[]}
 */
function panelsOf(matrix, { a, b, common }, state, width) {
  const room = width < BESIDE ? width : Math.floor((width - 2 * PANEL_GAP) / 3);
  const [first, second] = lettersOf(state);
  const of = (/** @type {number | null} */ trace) => (trace === null ? "" : facts.traces[trace].name);
  const here = { ...state, zoom: null, cursor: cursorOn(a, state.cursor) };
  const there = { ...here, ...tokensOfOther(common, here) };
  const both = { ...here, cursor: there.cursor && here.cursor };
  const sides = /** @type {[string, Matrix, State][]} */ ([
    [`${first} · ${of(facts.kinds[state.kind].trace)}`, a, here],
    [`${second} · ${of(state.other)}`, b, there],
    [`${first} − ${second}`, matrix, both],
  ]);
  let [x, y] = [0, 0];
  return sides.map(([title, one, its]) => {
    const panel = { title, matrix: one, state: its, grid: gridOf(one, its, room, innerHeight * 0.5), x, y };
    if (width < BESIDE) y += PANEL_TITLE + panel.grid.height + PANEL_GAP;
    else x += room + PANEL_GAP;
    return panel;
  });
}

/**
 * The letters of the trace that is shown and of the other.
 * @param {State} state
 */
const lettersOf = (state) => [letterOf(facts.kinds[state.kind].trace), letterOf(state.other ?? 0)];

/**
 * The crosshair at the first tokens of its cells, as tokens are paired by them.
 * @param {Matrix} matrix
 * @param {State["cursor"]} cursor
 * @returns {State["cursor"]}
 */
function cursorOn(matrix, cursor) {
  const cells = cursorCells(matrix, cursor);
  return cells && [matrix.rows.tokens[cells[0]], matrix.columns.tokens[cells[1]]];
}

/**
 * @param {Brush} brush
 * @param {Panel} panel
 */
function paintPanel(brush, panel) {
  brush.textAlign = "left";
  brush.textBaseline = "middle";
  brush.fillStyle = theme().ink;
  setFont(brush, 12, true);
  brush.fillText(fitted(brush, panel.title, panel.grid.width), panel.x, panel.y + PANEL_TITLE / 2 - 2);
  inPanel(brush, panel, () => paintMatrix(brush, panel.matrix, panel.state, panel.grid));
}

/**
 * Paint with a panel's own corner as the origin.
 * @param {Brush} brush
 * @param {Panel} panel
 * @param {() => void} paint
 */
function inPanel(brush, { x, y }, paint) {
  brush.save();
  brush.translate(x, y + PANEL_TITLE);
  paint();
  brush.restore();
}

/** @param {HTMLCanvasElement} canvas */
function followPanels(canvas) {
  canvas.addEventListener("pointermove", (event) => {
    const found = panelAt(pointIn(canvas, event));
    const cell = found && cellAt(found.panel, ...found.point);
    if (!cell) return;
    const { rows, columns } = found.panel.matrix;
    const [row, column] = [tokenOfA("rows", found, rows.tokens[cell[0]]), tokenOfA("columns", found, columns.tokens[cell[1]])];
    if (row === undefined || column === undefined || String([row, column]) === String(state.cursor)) return;
    change({ cursor: [row, column] }, true);
  });
  canvas.addEventListener("click", (event) => {
    const found = panelAt(pointIn(canvas, event));
    const picked = found && tokenAt(found.panel, found.point);
    if (!picked) return;
    const token = tokenOfA(picked[0] === "from" ? "rows" : "columns", found, picked[1]);
    if (token !== undefined) pickToken(picked[0], token, event.shiftKey);
  });
}

/**
 * The panel at a point of the canvas, and the point on it.
 * @param {[number, number]} point
 * @returns {{panel: Panel, isOfB: boolean, point: [number, number]} | null}
 */
function panelAt([x, y]) {
  for (const [place, panel] of (shownPanels?.panels ?? []).entries()) {
    const [left, top] = [x - panel.x, y - panel.y - PANEL_TITLE];
    if (left >= 0 && top >= 0 && left < panel.grid.width && top < panel.grid.height) return { panel, isOfB: place === 1, point: [left, top] };
  }
  return null;
}

/**
 * A token of a panel as the token of A: of B's panel, the one that is the same.
 * @param {"rows" | "columns"} axis
 * @param {{isOfB: boolean}} found
 * @param {number} token
 */
const tokenOfA = (axis, { isOfB }, token) =>
  isOfB ? shownPanels?.comparison.common[axis].find(([, other]) => other === token)?.[0] : token;

/**
 * The tokens that only A has, and those that only B has, in words.
 * @param {Comparison} comparison
 * @param {State} state
 * @returns {string[]}
 */
function leftOver({ common }, state) {
  const letters = lettersOf(state);
  return common.alone.flatMap((tokens, side) => {
    const named = tokens.slice(0, NAMED_TOKENS).join(", ") + (tokens.length > NAMED_TOKENS ? " …" : "");
    return tokens.length ? [say("leftOver", { trace: letters[side], tokens: named })] : [];
  });
}

/**
 * What is under the crosshair in A, in B and in A − B, and what the tokens in focus look at in each, in words.
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {string[]}
 */
function compareWords(matrix, state) {
  const { comparison } = matrix;
  if (typeof comparison !== "object") return [];
  const letters = lettersOf(state);
  const panels = panelsOf(matrix, comparison, state, BESIDE);
  const parts = panels[0].state.cursor ? [say("readCell", compareCell(panels, letters))] : [];
  for (const [side, { matrix: one, state: its }] of panels.slice(0, 2).entries()) {
    const cells = focusCells(one, its);
    if (cells.length) parts.push(`${letters[side]}: ${cellsWords(one, its, cells)}`);
  }
  return parts;
}

/**
 * The cell under the crosshair: its words, and its weights by the names of the panels.
 * @param {Panel[]} panels
 * @param {string[]} letters
 */
function compareCell(panels, letters) {
  const names = [...letters, letters.join(" − ")];
  const weights = panels.map(({ matrix, state }, place) => {
    const cells = cursorCells(matrix, state.cursor);
    const cell = cells ? cells[0] * matrix.columns.labels.length + cells[1] : -1;
    return cells ? `${names[place]} ${matrix.may[cell] ? exactly(matrix.weights[cell]) : say("notThere")}` : "";
  });
  const { matrix, state } = panels[0];
  const [row, column] = cursorCells(matrix, state.cursor) ?? [0, 0];
  return { from: matrix.rows.labels[row], to: matrix.columns.labels[column], weight: weights.filter(Boolean).join(", ") };
}
