/** Query · key: the products that add up to each score of a query, as BertViz's neuron view shows them (Vig 2019, section 2.3). */

/** Where a pointer or the arrow keys are on the strips. @type {Pointed | null} */
let pointedStrip = null;

/**
 * @param {HTMLElement} box
 * @param {Matrix} matrix
 * @param {State} state
 */
function showNeurons(box, matrix, state) {
  pointedStrip = null;
  const { neurons } = matrix;
  if (!neurons) {
    box.replaceChildren(...missingNeurons(state));
    return;
  }
  const chooser = passage(matrix.rows, "from", "chooser", (cell) => ({
    part: 0, weight: null, isChosen: cell === queryShown(matrix, state),
  }));
  const holder = make("div", { className: "scroll chooser" }, chooser);
  const strips = make("div", { id: "strips", className: "scroll", tabIndex: 0, role: "application", "aria-label": say("stripsOf", { head: shownName(state) }) });
  const hint = make("div", { className: "hint", id: "sum" });
  box.replaceChildren(make("h3", {}, say("query")), holder, strips, hint);
  const show = (/** @type {State} */ now) => {
    fillStrips(strips, matrix, neurons, now);
    hint.replaceChildren(...sumWords(matrix, neurons, queryShown(matrix, now)).map((line) => make("p", {}, line)));
  };
  show(state);
  let previewed = "";
  chooser.addEventListener("pointerover", (event) => {
    const token = /** @type {HTMLElement} */ (event.target).closest(".token");
    const focus = token instanceof HTMLElement ? token.dataset.token ?? "" : "";
    if (!focus || focus === previewed) return;
    previewed = focus;
    const now = { ...state, focus: [Number(focus)] };
    show(now);
    showReadout(matrix, now);
    showScale(matrix, now);
  });
  chooser.addEventListener("pointerleave", () => {
    if (!previewed) return;
    previewed = "";
    show(state);
    showReadout(matrix, state);
    showScale(matrix, state);
  });
}

/**
 * Put the strips of a query into their region, which shows as many rows as there is room for and scrolls over the others.
 * @param {HTMLElement} region
 * @param {Matrix} matrix
 * @param {Neurons} neurons
 * @param {State} state
 */
function fillStrips(region, matrix, neurons, state) {
  const picture = stripsPicture(matrix, neurons, state, region.clientWidth);
  const shown = Math.min(picture.rows, Math.max(6, Math.floor((innerHeight * 0.5 - ABOVE) / ROW)));
  const canvas = make("canvas", { "aria-hidden": "true" });
  const context = sized(canvas, picture.width, ABOVE + shown * ROW);
  const bar = 18;  // Room for a scroll bar.
  const whole = make("div", {}, canvas);
  whole.style.width = `${picture.width}px`;
  whole.style.height = `${picture.height + (shown < picture.rows ? bar : 0)}px`;
  const { scrollTop, scrollLeft } = region;
  region.replaceChildren(whole);
  region.style.maxHeight = `${ABOVE + shown * ROW + bar}px`;
  region.scrollTo(scrollLeft, scrollTop);
  const first = () => Math.min(picture.rows - shown, Math.round(region.scrollTop / ROW));
  const paint = () => {
    context.clearRect(0, 0, picture.width, ABOVE + shown * ROW);
    picture.paint(context, first(), shown, pointedStrip);
  };
  const point = (/** @type {Pointed | null} */ pointed) => {
    if (JSON.stringify(pointed) === JSON.stringify(pointedStrip)) return;
    pointedStrip = pointed;
    paint();
    if (pointed) byId("readout").textContent = pointedWords(matrix, neurons, state, pointed);
    else showReadout(matrix, state);
  };
  paint();
  region.onscroll = paint;
  canvas.addEventListener("pointermove", (event) => point(picture.at(...pointIn(canvas, event), first())));
  canvas.addEventListener("pointerleave", () => point(null));
  region.onkeydown = (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [down, right] = arrow.map((step) => step * (event.shiftKey ? 10 : 1));
    const now = pointedStrip;
    const key = Math.max(0, Math.min(picture.rows - 1, now ? (now.key ?? -1) + down : 0));
    const dimension = Math.max(0, Math.min(neurons.size - 1, now ? (now.dimension ?? -1) + right : 0));
    if (key < first()) region.scrollTop = key * ROW;
    if (key >= first() + shown) region.scrollTop = (key - shown + 1) * ROW;
    point({ key, dimension });
  };
}

/**
 * What is under the pointer, in words.
 * @param {Matrix} matrix
 * @param {Neurons} neurons
 * @param {State} state
 * @param {Pointed} pointed
 */
function pointedWords(matrix, { size, queries, keys, isBefore }, state, { key, dimension }) {
  const query = queryShown(matrix, state);
  const from = queryName(matrix, state, query);
  const to = key === null ? "" : matrix.columns.labels[key];
  const parts = [key === null ? from : `${from} → ${to}`];
  if (dimension !== null) {
    const q = queries[query * size + dimension];
    if (key === null) parts.push(say("readQuery", { dimension, q: signed(q, 3) }));
    else {
      const k = keys[key * size + dimension];
      parts.push(say("readProduct", { dimension, q: signed(q, 3), k: signed(k, 3), product: signed(q * k, 3) }));
    }
    if (isBefore) parts.push(say("stripProductBefore"));
  }
  if (key !== null && matrix.neurons) {
    for (const { title, values } of scoreColumns(matrix, matrix.neurons, query)) if (values[key]) parts.push(`${title} ${values[key]}`);
  }
  return parts.join(" · ");
}

/**
 * How the numbers are added up, and what is to know of them.
 * @param {Matrix} matrix
 * @param {Neurons} neurons
 * @param {number} query
 * @returns {string[]}
 */
function sumWords(matrix, neurons, query) {
  const { scale, softcap, sink, terms, isBefore } = neurons;
  const product = `q·k × ${numeral(scale)}`;
  const first = softcap === null ? product : say("cappedFormula", { cap: numeral(softcap), product });
  const lines = isBefore ? [say("beforeNote")] : [];
  lines.push(say("sumNote", { formula: [first, ...terms.map(([name]) => termName(name))].join(" + ") }));
  const weights = softmaxOf(scoresOf(matrix, neurons, query), sink);
  if (sink !== null) lines.push(say("sinkNote", { score: signed(sink), weight: exactly(weights[weights.length - 1]) }));
  const width = matrix.columns.labels.length;
  const off = Math.max(...matrix.columns.labels.map((_, key) => Math.abs(weights[key] - matrix.weights[query * width + key])));
  if (off > LARGE) lines.push(say("offNote", { off: exactly(off) }));
  return lines;
}

/** A softmax that differs from the weights by more is told: by less it does through what 8 bits and half precision move. */
const LARGE = 0.01;

/**
 * Why there are no queries and keys, and the command that gives them.
 * @param {State} state
 * @returns {Node[]}
 */
function missingNeurons(state) {
  const kind = facts.kinds[state.kind];
  const { layer } = kind.heads[state.head];
  const line = (/** @type {(Node | string)[]} */ ...parts) => make("p", { id: "no-neurons" }, ...parts);
  const others = Object.keys(kind.neurons).map((other) => {
    const head = kind.heads.findIndex((one) => one.layer === Number(other));
    return button(say("neuronsOf", { layer: other }), () => change({ head, set: [] }));
  });
  if (kind.leftOut.includes(layer)) return [line(say("neuronsLeftOut", { layer }))];
  if (kind.isPooled) return [line(say("neuronsPooled"))];
  const command = neuronsCommand(state);
  const told = command ? [`${say("neuronsMissing", { layer })} `, make("code", {}, command)] : [say("neuronsInPython", { layer })];
  return [line(...told), ...others];
}

/**
 * The command that writes a page with the queries and keys of the layer of a state; null where none does.
 * @param {State} state
 */
function neuronsCommand(state) {
  const { neuronsCommand, heads } = facts.kinds[state.kind];
  return neuronsCommand && `${neuronsCommand} ${heads[state.head].layer}`;
}

/**
 * The scales of the strips.
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {Node[]}
 */
function stripsScale(matrix, state) {
  const { neurons } = matrix;
  if (!neurons) return [];
  const { tops } = stripsPicture(matrix, neurons, state, 0);
  return /** @type {const} */ (["query", "key", "product"]).map((name) => {
    const [top, called] = [numeral(tops[name]), { query: "q", key: "k", product: "q × k" }[name]];
    return make("span", { className: "key" }, `≤ −${top}`, barOf(palette().difference), `≥ ${top} ${called}`);
  });
}

/**
 * The strips of a state as they are saved: all rows.
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {{width: number, height: number, paint: (brush: Brush) => void}}
 */
function neuronsPicture(matrix, state) {
  const { neurons } = matrix;
  if (neurons) {
    const picture = stripsPicture(matrix, neurons, state, byId("view").clientWidth);
    return { ...picture, paint: (brush) => picture.paint(brush) };
  }
  const text = missingNeurons(state)[0].textContent ?? "";
  return { width: byId("view").clientWidth, height: ROW, paint: (brush) => brush.fillText(fitted(brush, text, byId("view").clientWidth), 0, ROW / 2) };
}
