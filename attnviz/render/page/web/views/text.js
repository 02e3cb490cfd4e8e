/** The text: every token as it stands there, shaded by how much those in focus look at it, or are looked at by it. */

/** Tokens that get less than this part of the scale are not shaded, as in `plot`. */
const FAINT = 0.04;

/**
 * @param {HTMLElement} box
 * @param {Matrix} matrix
 * @param {State} state
 */
function showText(box, matrix, state) {
  const focus = focusOrStrongest(matrix, state);
  const weights = weightsOfFocus(matrix, focus, state.direction);
  const seen = seenByFocus(matrix, focus, state.direction);
  const top = topOfText(matrix, state);
  const from = state.direction === "from" ? "rows" : "columns";
  const to = state.direction === "from" ? "columns" : "rows";
  const isOneText = facts.kinds[state.kind].oneSequence && String(matrix.rows.tokens) === String(matrix.columns.tokens);
  const shaded = passage(matrix[to], isOneText ? state.direction : null, "shaded", (cell) => ({
    part: seen[cell] ? partOf(weights[cell], top, state.scale) : 0,
    weight: seen[cell] ? weights[cell] : null,
    isChosen: isOneText && focus.includes(cell),
  }));
  const parts = [heading(isOneText ? null : to), shaded];
  if (!isOneText) {
    const chooser = passage(matrix[from], state.direction, "chooser", (cell) => ({
      part: 0, weight: null, isChosen: focus.includes(cell),
    }));
    parts.unshift(heading(from), chooser);
  }
  box.replaceChildren(...parts.filter((part) => part !== null), make("p", { className: "hint" }, say("pickToken")));
}

/** @param {"rows" | "columns" | null} axis */
function heading(axis) {
  return axis && make("h3", {}, say(axis === "rows" ? "query" : "key"));
}

/**
 * @typedef {object} Shade
 * @property {number} part  How far along the scale.
 * @property {number | null} weight  Null where there is none to see.
 * @property {boolean} isChosen
 */

/**
 * The cells of an axis as running text. With a direction they can be chosen, as what looks or what is looked at.
 * @param {Axis} axis
 * @param {State["direction"] | null} direction
 * @param {string} id
 * @param {(cell: number) => Shade} shadeOf
 * @returns {HTMLElement}
 */
function passage(axis, direction, id, shadeOf) {
  const list = make("div", { className: "passage", id, dir: "auto" });
  list.setAttribute("role", direction ? "listbox" : "list");
  if (direction) list.setAttribute("aria-multiselectable", "true");
  list.setAttribute("aria-label", direction === "to" ? say("to") : say("from"));
  axis.texts.forEach((text, cell) => {
    if (cell && axis.lines[cell]) list.append(...Array.from({ length: Math.min(2, axis.lines[cell]) }, () => make("br")));
    else if (cell && axis.spaced[cell]) list.append(" ");
    list.append(tokenElement(text, shadeOf(cell), axis, cell, direction));
  });
  if (direction) chooseInside(list, direction);
  return list;
}

/**
 * @param {string} text
 * @param {Shade} shade
 * @param {Axis} axis
 * @param {number} cell
 * @param {State["direction"] | null} direction
 */
function tokenElement(text, { part, weight, isChosen }, axis, cell, direction) {
  const element = make("span", { className: "token" }, text);
  const said = weight === null ? axis.labels[cell] : `${axis.labels[cell]}: ${exactly(weight)}`;
  element.setAttribute("role", direction ? "option" : "listitem");
  element.setAttribute("aria-label", said);
  element.title = weight === null && direction === null ? say("notThere") : said;
  element.dataset.token = String(axis.tokens[cell]);
  if (weight !== null) element.dataset.weight = String(weight);
  else if (direction === null) element.classList.add("unseen");
  if (part >= FAINT) {
    element.style.backgroundColor = colourAt(palette().text, part);
    element.style.color = inkOn(palette().text, part);
  }
  if (direction) {
    element.tabIndex = isChosen ? 0 : -1;
    element.setAttribute("aria-selected", String(isChosen));
  }
  return element;
}

/**
 * Let tokens be chosen by pointer and by keys: arrows move, Space and Enter choose, Shift adds.
 * @param {HTMLElement} list
 * @param {State["direction"]} direction
 */
function chooseInside(list, direction) {
  const tokens = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(".token")]);
  if (!tokens.some((token) => token.tabIndex === 0) && tokens.length) tokens[0].tabIndex = 0;
  const choose = (/** @type {Event} */ event, /** @type {boolean} */ adds) => {
    const token = /** @type {HTMLElement} */ (event.target).closest(".token");
    if (token instanceof HTMLElement) pickToken(direction, Number(token.dataset.token), adds);
  };
  list.addEventListener("click", (event) => choose(event, event.shiftKey));
  list.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      choose(event, event.shiftKey);
      return;
    }
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const place = tokens.indexOf(/** @type {HTMLElement} */ (event.target));
    if (!step || place < 0) return;
    event.preventDefault();
    event.stopPropagation();
    tokens[Math.max(0, Math.min(tokens.length - 1, place + step))].focus();
  });
}
