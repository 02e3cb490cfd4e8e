/** The start: what listens to whom, and the order in which the page is drawn. */

/** The matrix of the state that is on the page. @type {Matrix | null} */
let drawnMatrix = null;
/** Which drawing is the last that was asked for: one that ends later than another began is thrown away. */
let drawing = 0;

/** What of a state can change without the matrix being drawn again. */
const PASSING = ["cursor"];

/**
 * Draw the page anew, or only move its crosshair.
 * @param {State} now
 * @param {State} before
 */
async function onChange(now, before) {
  const changed = /** @type {(keyof State)[]} */ (Object.keys(now)).filter((key) => now[key] !== before[key]);
  if (drawnMatrix && changed.every((key) => PASSING.includes(key))) {
    performance.mark("attnviz:hover");
    const seen = stateShown(now);
    VIEWS[seen.view].move?.(seen);
    showReadout(drawnMatrix, seen);
    performance.measure("attnviz:hovered", "attnviz:hover");
    return;
  }
  await draw(now);
}

/** @param {State} asked */
async function draw(asked) {
  const now = stateShown(asked);
  const mine = ++drawing;
  delete document.documentElement.dataset.drawn;
  if (now.theme) document.documentElement.dataset.theme = now.theme;
  else delete document.documentElement.dataset.theme;
  showControls(now);
  const matrix = await (VIEWS[now.view].compose ?? compose)(now);
  if (mine !== drawing) return;
  performance.mark("attnviz:draw");
  drawnMatrix = matrix;
  byId("head-name").textContent = shownName(now);
  byId("head-facts").textContent = headsShown(now).length === 1 ? headWords(now, headsShown(now)[0]).join(" · ") : "";
  keepingFocus("view", () => VIEWS[now.view].show(byId("view"), matrix, now));
  showReadout(matrix, now);
  showScale(matrix, now);
  showTable(matrix, now);
  keepingFocus("share", () => showShare(matrix, now));
  performance.measure("attnviz:drawn", "attnviz:draw");
  performance.mark("attnviz:overview");
  await drawOverview(now);
  performance.measure("attnviz:overviewed", "attnviz:overview");
  if (mine !== drawing) return;
  document.documentElement.dataset.drawn = String(mine);
}

/**
 * A state as it is shown: the matrix where its kind does not have its view.
 * @param {State} state
 * @returns {State}
 */
function stateShown(state) {
  const view = viewsOf(state).includes(state.view) ? state.view : "matrix";
  return VIEWS[view].plain?.({ ...state, view }) ?? { ...state, view };
}

function listenToOverview() {
  const canvas = byId("overview-canvas");
  canvas.addEventListener("pointermove", async (event) => {
    const head = headAt(...pointIn(canvas, event));
    canvas.classList.toggle("on-head", head !== null);
    byId("overview-readout").textContent = head === null ? "" : [headName(facts.kinds[state.kind].heads[head]), ...headWords(state, head), ...(await sortWords(head))].join(" · ");
  });
  canvas.addEventListener("click", (event) => {
    const head = headAt(...pointIn(canvas, event));
    if (head !== null) pickHead(head, event.shiftKey);
  });
}

/**
 * The number that the heads are sorted by, in words.
 * @param {number} head
 * @returns {Promise<string[]>}
 */
async function sortWords(head) {
  if (state.sort === "layer") return [];
  const number = (await numbersOfHeads(state))[head];
  if (number === null) return [];
  if (state.sort !== "likeness") return [say("measure", { measure: state.sort, value: number })];
  return [say("likeness", { head: headName(facts.kinds[state.kind].heads[state.head]), value: (-number).toFixed(3) })];
}

/**
 * Show a head alone, or with `adds` add it to those that are drawn as one, or take it out.
 * @param {number} head
 * @param {boolean} adds
 */
function pickHead(head, adds) {
  if (!adds) {
    change({ head, set: [] });
    return;
  }
  const now = headsShown(state);
  const set = now.includes(head) ? now.filter((one) => one !== head) : [...now, head].sort((a, b) => a - b);
  change(set.length < 2 ? { head: set[0] ?? state.head, set: [] } : { set });
}

function listenToControls() {
  const select = (/** @type {string} */ id) => /** @type {HTMLSelectElement} */ (byId(id));
  select("head").addEventListener("change", () => change({ head: Number(select("head").value), set: [] }));
  select("sort").addEventListener("change", () => change({ sort: select("sort").value }));
  byId("theme").addEventListener("click", () => change({ theme: themeName() === "dark" ? "light" : "dark" }));
  byId("language").addEventListener("click", () => change({ lang: language() === "ko" ? "en" : "ko" }));
  byId("help").addEventListener("click", openKeys);
  byId("numbers").addEventListener("toggle", () => drawnMatrix && showTable(drawnMatrix, stateShown(state)));
  const mass = /** @type {HTMLInputElement} */ (byId("mass"));
  mass.addEventListener("input", () => change({ mass: Number(mass.value) }, true));
  const search = /** @type {HTMLInputElement} */ (byId("search"));
  search.addEventListener("change", () => find(search.value));
  document.addEventListener("keydown", onKey);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(state));
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) draw(state);
    width = innerWidth;
  });
}

listeners.push(onChange);
followAddress();
listenToOverview();
listenToControls();
draw(state);
