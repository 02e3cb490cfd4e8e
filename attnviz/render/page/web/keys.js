/** The keyboard: all that a pointer can do. */

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  // A dialog that was closed keeps the focus until the next frame.
  if (target.closest("input, select, textarea, dialog[open]")) {
    if (event.key === "Escape" && target instanceof HTMLInputElement) target.blur();
    return;
  }
  const act = actionOf(event, target.id === "matrix");
  if (!act) return;
  event.preventDefault();
  act();
}

/**
 * @param {KeyboardEvent} event
 * @param {boolean} isOnMatrix
 * @returns {(() => void) | null}
 */
function actionOf(event, isOnMatrix) {
  const { key } = event;
  const arrow = ARROWS[key];
  if (arrow) return isOnMatrix ? () => stepCursor(...arrow, event.shiftKey) : () => stepHead(...arrow);
  if (/^[1-9]$/.test(key)) {
    const kind = kindsBeside(state.kind)[Number(key) - 1];
    return kind === undefined ? null : () => showKind(kind);
  }
  const view = viewsOf(state).find((name) => VIEWS[name].key === key);
  if (view) return () => change({ view });
  if (isOnMatrix && (key === "Enter" || key === " ")) return () => pickCursor(event.shiftKey);
  if (isOnMatrix && (key === "+" || key === "-")) return () => zoomCursor(key === "+" ? 0.8 : 1.25);
  return OTHER_KEYS[key] ?? null;
}

/** @type {Object<string, [number, number]>}  Rows down, columns to the right. */
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** @type {Object<string, () => void>} */
const OTHER_KEYS = {
  "/": () => byId("search").focus(),
  "?": () => openKeys(),
  Escape: () => goBack(),
  d: () => turnTo(state.direction === "from" ? "to" : "from"),
  w: () => facts.kinds[state.kind].words && change({ words: !state.words }),
  n: () => showTrace((facts.kinds[state.kind].trace + 1) % facts.traces.length),
  g: () => change({ scale: state.scale === "linear" ? "log" : "linear" }),
};

/**
 * Show the head of another layer, or another head of this one.
 * @param {number} down
 * @param {number} right
 */
function stepHead(down, right) {
  const { heads } = facts.kinds[state.kind];
  const layers = [...new Set(heads.map((head) => head.layer))];
  const now = heads[state.head];
  const layer = layers[Math.max(0, Math.min(layers.length - 1, layers.indexOf(now.layer) + down))];
  const inLayer = heads.flatMap((head, number) => (head.layer === layer ? [number] : []));
  const place = heads.slice(0, state.head).filter((head) => head.layer === now.layer).length;
  const head = inLayer[Math.max(0, Math.min(inLayer.length - 1, place + right))];
  if (head !== state.head || state.set.length) change({ head, set: [] });
}

/**
 * @param {number} down
 * @param {number} right
 * @param {boolean} far
 */
function stepCursor(down, right, far) {
  if (!shownMatrix) return;
  const { matrix, grid } = shownMatrix;
  const [row, column] = cursorCells(matrix, state.cursor) ?? [grid.row - down, grid.column - right];
  const by = far ? 10 : 1;
  const at = (/** @type {Axis} */ axis, /** @type {number} */ cell) => axis.tokens[Math.max(0, Math.min(axis.tokens.length - 1, cell))];
  change({ cursor: [at(matrix.rows, row + down * by), at(matrix.columns, column + right * by)] }, true);
}

/** @param {boolean} adds */
function pickCursor(adds) {
  if (state.cursor) pickToken(state.direction, state.cursor[state.direction === "from" ? 0 : 1], adds);
}

/** @param {number} factor */
function zoomCursor(factor) {
  if (state.view !== "matrix") return;
  const under = shownMatrix && cursorCells(shownMatrix.matrix, state.cursor);
  if (shownMatrix && under) zoomAt(shownMatrix.matrix, under, factor);
}

/** Show which keys there are. */
function openKeys() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("keys"));
  const lines = /** @type {const} */ ([
    "keysArrows", "keysKinds", "keysViews", ...(facts.traces.length > 1 ? /** @type {const} */ (["keysTraces"]) : []), "keysDirection", "keysWords", "keysScale", "keysSearch", "keysEscape", "keysHelp", "keysMouse",
  ]);
  dialog.setAttribute("aria-label", say("help"));
  dialog.replaceChildren(
    make("h2", {}, say("help")),
    make("ul", {}, ...lines.map((line) => make("li", {}, say(line)))),
    button(say("close"), () => dialog.close()),
  );
  dialog.showModal();
}
