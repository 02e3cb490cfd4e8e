/** The `attnviz plot` command that draws what the page shows. */

/**
 * The command, and whether it draws all of it; null where no command reaches the model.
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {{command: string, isAll: boolean} | null}
 */
function commandOf(matrix, state) {
  const kind = facts.kinds[state.kind];
  if (state.view === "neurons") {
    const writes = neuronsCommand(state);
    return writes === null ? null : { command: writes, isAll: true };
  }
  const command = state.view === "compare" ? pairOf(state)?.command ?? null : kind.command;
  if (command === null) return null;
  if (state.view === "compare") return compareCommandOf(command, state);
  const parts = [command, `--kind ${kind.kind}`, ...headOptions(state), ...styleOptions(matrix, state)];
  if (state.scale === "log") parts.push("--log");
  if (state.sink !== "show") parts.push(`--sink ${state.sink}`);
  if (state.special !== "show") parts.push(`--special ${state.special}`);
  if (state.words) parts.push("--words");
  if (themeName() === "dark") parts.push("--theme dark");
  return { command: parts.join(" "), isAll: isDrawnByPlot(matrix, state) };
}

/**
 * The command of a comparison, which shows weights and words as they are.
 * @param {string} command
 * @param {State} state
 */
function compareCommandOf(command, state) {
  const parts = [command, `--kind ${facts.kinds[state.kind].kind}`, ...headOptions(state)];
  if (state.words) parts.push("--words");
  if (themeName() === "dark") parts.push("--theme dark");
  return { command: parts.join(" "), isAll: state.sink === "show" && state.special === "show" && state.scale === "linear" };
}

/**
 * @param {State} state
 * @returns {string[]}
 */
function headOptions(state) {
  const { heads } = facts.kinds[state.kind];
  const shown = headsShown(state).map((head) => heads[head]);
  if (shown.length === 1) return [`--layer ${shown[0].layer}`, `--head ${shown[0].head}`];
  return [`--head ${shown.map(headName).join(",")}`, state.combine === "mean" ? "--mean" : "--max"];
}

/**
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {string[]}
 */
function styleOptions(matrix, state) {
  if (state.view === "matrix") return [];
  if (state.view === "lines" || state.view === "arcs") return [`--style ${state.view}`];
  const row = state.view === "step" ? stepShown(matrix, state) : focusOrStrongest(matrix, { ...state, direction: "from" })[0];
  return ["--style text", `--query ${matrix.rows.ranges[row][0]}`];
}

/**
 * Whether `plot` has all of it: it shows links of all tokens, and in its text what one token looks at.
 * @param {Matrix} matrix
 * @param {State} state
 */
function isDrawnByPlot(matrix, state) {
  if (matrix.who || state.zoom) return false;
  if (state.view === "text") return state.direction === "from" && focusCells(matrix, state).length < 2;
  if (state.view === "lines" || state.view === "arcs") return !focusCells(matrix, state).length && state.mass === 100;
  return true;
}
