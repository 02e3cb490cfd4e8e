/** Strips: a query, every key and their products as one cell for each dimension, with the sums at the right. */

/** A dimension is so wide; a row so high, of which so much is left empty; and so high is what stands above the rows. */
const THINNEST = 2, THICKEST = 9, ROW = 20, EMPTY = 4, ABOVE = 52;
/** Between strips and columns of numbers. */
const SPACE = 12;
/** The scale ends where this part of the numbers does, so that a few large dimensions do not hide all others. */
const MOST_OF = 0.99;

/**
 * @typedef {object} Column  Numbers right of the strips.
 * @property {string} title
 * @property {string[]} values  One for each key.
 *
 * @typedef {object} Strips  The picture of a query and all keys.
 * @property {number} width
 * @property {number} height
 * @property {number} rows
 * @property {{query: number, key: number, product: number}} tops  Where the scales of colours end.
 * @property {Column[]} columns
 * @property {(brush: Brush, first?: number, count?: number, pointed?: Pointed | null) => void} paint  Some of the rows.
 * @property {(x: number, y: number, first: number) => Pointed | null} at
 *
 * @typedef {object} Pointed
 * @property {number | null} key  Null for the query's own strip.
 * @property {number | null} dimension
 */

/**
 * @param {Matrix} matrix
 * @param {Neurons} neurons
 * @param {State} state
 * @param {number} available
 * @returns {Strips}
 */
function stripsPicture(matrix, neurons, state, available) {
  const query = queryShown(matrix, state);
  const name = queryName(matrix, state, query);
  const { size } = neurons;
  const labels = matrix.columns.labels;
  const columns = scoreColumns(matrix, neurons, query);
  const ruler = /** @type {CanvasRenderingContext2D} */ (make("canvas").getContext("2d"));
  setFont(ruler, 12);
  const left = widest(ruler, [name, ...labels], Math.min(LABEL, available / 4)) + SPACE;
  const widths = columns.map(({ title, values }) => widest(ruler, [title, ...values], Infinity) + SPACE);
  const numbers = widths.reduce((sum, width) => sum + width, 0);
  const free = (available - left - numbers - 2 * SPACE) / 2;
  const wide = Math.max(THINNEST, Math.min(THICKEST, Math.floor((2 * free) / size) / 2));
  // A strip is no narrower than its title.
  const title = widest(ruler, [say("stripKey"), productTitle(neurons)], Infinity);
  const strip = wide * size;
  const places = { key: left, product: left + Math.max(strip, title) + SPACE };
  const end = places.product + Math.max(strip, title) + SPACE;
  const tops = topsOf(matrix, neurons, query);
  const hidden = scoresOf(matrix, neurons, query).map(({ score }) => score === -Infinity);
  const layout = { query, name, left, places, strip, wide, end, widths, columns, tops, hidden };
  return {
    width: end + numbers,
    height: ABOVE + labels.length * ROW,
    rows: labels.length,
    tops,
    columns,
    paint: (brush, first = 0, count = labels.length, pointed = null) =>
      paintStrips(brush, matrix, neurons, layout, first, count, pointed),
    at: (x, y, first) => {
      const row = Math.floor((y - ABOVE) / ROW);
      const key = y < ABOVE ? null : first + row;
      if (y < ABOVE - ROW || (key !== null && key >= labels.length)) return null;
      const within = [places.key, ...(key === null ? [] : [places.product])].find((start) => x >= start && x < start + strip);
      return { key, dimension: within === undefined ? null : Math.min(size - 1, Math.floor((x - within) / wide)) };
    },
  };
}

/** @param {Neurons} neurons */
const productTitle = (neurons) => say(neurons.isBefore ? "stripProductBefore" : "stripProduct");

/**
 * The numbers of every key, from the sum of its products to its weight.
 * @param {Matrix} matrix
 * @param {Neurons} neurons
 * @param {number} query
 * @returns {Column[]}
 */
function scoreColumns(matrix, neurons, query) {
  const scores = scoresOf(matrix, neurons, query);
  const of = (/** @type {(score: Score) => number} */ pick) => scores.map((score) => signed(pick(score)));
  const width = matrix.columns.labels.length;
  const weights = scores.map((_, key) => {
    const at = query * width + key;
    return matrix.may[at] ? exactly(matrix.weights[at]) : "";
  });
  const last = [{ title: say("score"), values: of(({ score }) => score) }, { title: say("weightShort"), values: weights }];
  if (neurons.isBefore) return [{ title: say("sumBefore"), values: of(({ shown }) => shown) }, ...last];
  const capped = { title: say("capped", { cap: numeral(neurons.softcap ?? 0) }), values: of((score) => score.capped) };
  return [
    { title: "q·k", values: of(({ product }) => product) },
    { title: `× ${numeral(neurons.scale)}`, values: of(({ scaled }) => scaled) },
    ...(neurons.softcap === null ? [] : [capped]),
    ...neurons.terms.map(([name], place) => ({ title: `+ ${termName(name)}`, values: of(({ terms }) => terms[place]) })),
    ...last,
  ];
}

/**
 * A number with a sign that is seen: `−1.25`.
 * @param {number} value
 * @param {number} digits
 */
function signed(value, digits = 2) {
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/**
 * Where the scales of the query, of the keys and of the products end.
 * @param {Matrix} matrix
 * @param {Neurons} neurons
 * @param {number} query
 */
function topsOf(matrix, { size, queries, keys }, query) {
  const products = Float32Array.from(keys, (value, at) => value * queries[query * size + (at % size)]);
  return { query: topOfMost(queries), key: topOfMost(keys), product: topOfMost(products) };
}

/** Those of queries and keys, which stay while the query moves. @type {WeakMap<Float32Array, number>} */
const topsOfVectors = new WeakMap();

/** @param {Float32Array} numbers */
function topOfMost(numbers) {
  let top = topsOfVectors.get(numbers);
  if (top === undefined) {
    const sizes = numbers.map(Math.abs).sort();
    top = topOf(sizes[Math.ceil(MOST_OF * sizes.length) - 1] || (sizes.at(-1) ?? 0), Infinity);
    topsOfVectors.set(numbers, top);
  }
  return top;
}

/**
 * @typedef {object} StripLayout
 * @property {number} query
 * @property {string} name  What the query is called.
 * @property {number} left
 * @property {{key: number, product: number}} places
 * @property {number} strip  How wide a strip is.
 * @property {number} wide  How wide a dimension is.
 * @property {number} end
 * @property {number[]} widths
 * @property {Column[]} columns
 * @property {Strips["tops"]} tops
 * @property {boolean[]} hidden  The keys that the query may not see.
 */

/**
 * @param {Brush} brush
 * @param {Matrix} matrix
 * @param {Neurons} neurons
 * @param {StripLayout} layout
 * @param {number} first
 * @param {number} count
 * @param {Pointed | null} pointed
 */
function paintStrips(brush, matrix, neurons, layout, first, count, pointed) {
  const { query, name, left, places, strip, tops, hidden } = layout;
  const { size, queries, keys } = neurons;
  const rows = Math.min(count, matrix.columns.labels.length - first);
  const own = queries.subarray(query * size, (query + 1) * size);
  const some = keys.subarray(first * size, (first + rows) * size);
  const products = some.map((value, at) => value * own[at % size]);
  paintTitles(brush, neurons, layout);
  brush.imageSmoothingEnabled = false;
  const top = ABOVE - ROW;
  brush.drawImage(signedCells(own, size, tops.query), places.key, top, strip, ROW - EMPTY);
  setFont(brush, 12, true);
  brush.textAlign = "right";
  brush.textBaseline = "middle";
  brush.fillStyle = theme().ink;
  brush.fillText(fitted(brush, name, left - SPACE), left - SPACE / 2, top + (ROW - EMPTY) / 2);
  if (rows > 0) {
    brush.drawImage(signedCells(some, size, tops.key), places.key, ABOVE, strip, rows * ROW);
    brush.drawImage(signedCells(products, size, tops.product), places.product, ABOVE, strip, rows * ROW);
  }
  for (let row = 0; row < rows; row++) paintRow(brush, matrix, layout, first + row, ABOVE + row * ROW, hidden[first + row]);
  if (pointed) paintPointed(brush, layout, first, rows, pointed);
}

/**
 * @param {Brush} brush
 * @param {Neurons} neurons
 * @param {StripLayout} layout
 */
function paintTitles(brush, neurons, { places, end, widths, columns }) {
  setFont(brush, 12);
  brush.fillStyle = theme().muted;
  brush.textBaseline = "middle";
  brush.textAlign = "left";
  brush.fillText(say("stripKey"), places.key, 10);
  brush.fillText(productTitle(neurons), places.product, 10);
  brush.textAlign = "right";
  let right = end;
  columns.forEach(({ title }, place) => {
    right += widths[place];
    brush.fillText(title, right - SPACE / 2, 10);
  });
}

/**
 * What stands beside the strips of a key, and the gap below them; what a query may not see is pale.
 * @param {Brush} brush
 * @param {Matrix} matrix
 * @param {StripLayout} layout
 * @param {number} key
 * @param {number} y
 * @param {boolean} isHidden
 */
function paintRow(brush, matrix, { left, places, strip, end, widths, columns }, key, y, isHidden) {
  brush.fillStyle = theme().background;
  if (isHidden) {
    brush.globalAlpha = 0.65;
    brush.fillRect(places.product, y, strip, ROW);
    brush.globalAlpha = 1;
  }
  for (const x of [places.key, places.product]) brush.fillRect(x, y + ROW - EMPTY, strip, EMPTY);
  setFont(brush, 12);
  brush.fillStyle = theme()[isHidden ? "muted" : "ink"];
  brush.textAlign = "right";
  const middle = y + (ROW - EMPTY) / 2;
  brush.fillText(fitted(brush, matrix.columns.labels[key], left - SPACE), left - SPACE / 2, middle);
  let right = end;
  columns.forEach(({ values }, place) => {
    right += widths[place];
    brush.fillText(values[key], right - SPACE / 2, middle);
  });
}

/**
 * Frames: around the dimension in every strip, and around the row.
 * @param {Brush} brush
 * @param {StripLayout} layout
 * @param {number} first
 * @param {number} rows
 * @param {Pointed} pointed
 */
function paintPointed(brush, { places, strip, wide }, first, rows, { key, dimension }) {
  brush.strokeStyle = theme().ink;
  brush.lineWidth = 1;
  if (key !== null && key >= first && key < first + rows) {
    const y = ABOVE + (key - first) * ROW;
    for (const x of [places.key, places.product]) brush.strokeRect(x - 0.5, y - 0.5, strip + 1, ROW - EMPTY + 1);
  }
  if (dimension === null) return;
  const [x, height] = [dimension * wide, rows * ROW - EMPTY];
  brush.strokeRect(places.key + x - 0.5, ABOVE - ROW - 0.5, wide + 1, height + ROW + 1);
  brush.strokeRect(places.product + x - 0.5, ABOVE - 0.5, wide + 1, height + 1);
}

/**
 * Numbers as a picture, a pixel each, row after row, in the colours of differences.
 * @param {Float32Array} numbers
 * @param {number} width
 * @param {number} top
 * @returns {HTMLCanvasElement}
 */
function signedCells(numbers, width, top) {
  const height = numbers.length / width;
  const picture = make("canvas", { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  numbers.forEach((value, at) => {
    pixels[at] = pixelOf(palette().difference, Math.min(Math.max((value / top + 1) / 2, 0), 1));
  });
  context.putImageData(image, 0, 0);
  return picture;
}
