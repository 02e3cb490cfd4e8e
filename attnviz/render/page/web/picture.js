/** Pictures: what a view draws, so that it can be shown, pointed at, and saved. */

/**
 * @typedef {object} Picture
 * @property {number} width
 * @property {number} height
 * @property {(brush: Brush, focus?: number[]) => void} paint  With `focus`, only the links of those cells.
 * @property {((x: number, y: number) => [State["direction"], number] | null)} tokenAt  The token there: its axis and cell.
 */

/**
 * Show a picture of links: a pointer on a token shows those of it alone, and a click puts it into focus.
 * @param {HTMLElement} box
 * @param {Matrix} matrix
 * @param {State} state
 * @param {Picture} picture
 * @param {string} label
 */
function showLinks(box, matrix, state, picture, label) {
  const canvas = make("canvas", { role: "img", id: "links", "aria-label": label });
  box.replaceChildren(make("div", { className: "scroll wide", tabIndex: 0, role: "region", "aria-label": label }, canvas));
  const context = sized(canvas, picture.width, picture.height);
  picture.paint(context);
  const left = linksToDraw(matrix, state, focusCells(matrix, state)).left;
  if (left) box.append(make("p", { className: "hint" }, say("linksLeft", { count: MOST_LINKS, left })));
  /** @type {string} */
  let pointed = "";
  canvas.addEventListener("pointermove", (event) => {
    const token = picture.tokenAt(...pointIn(canvas, event));
    canvas.classList.toggle("on-token", token !== null);
    if (String(token) === pointed) return;
    pointed = String(token);
    context.clearRect(0, 0, picture.width, picture.height);
    const seen = token && { ...state, direction: token[0] };
    if (seen && token) linkPicture(matrix, seen).paint(context, [token[1]]);
    else picture.paint(context);
    if (seen && token) byId("readout").textContent = cellsWords(matrix, seen, [token[1]]);
    else showReadout(matrix, state);
  });
  canvas.addEventListener("click", (event) => {
    const token = picture.tokenAt(...pointIn(canvas, event));
    if (!token) return;
    const axis = token[0] === "from" ? matrix.rows : matrix.columns;
    pickToken(token[0], axis.tokens[token[1]], event.shiftKey);
  });
}

/**
 * The picture of the view of a state that draws links.
 * @param {Matrix} matrix
 * @param {State} state
 */
const linkPicture = (matrix, state) => (state.view === "arcs" ? arcsPicture(matrix, state) : linesPicture(matrix, state));
