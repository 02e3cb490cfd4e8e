/** The scores of a head: what its queries and keys add up to, as `Projections` in Python has it. */

/**
 * The head of a state alone, with all its tokens, since a softmax reads every key.
 * @param {State} state
 * @returns {State}
 */
function plainState(state) {
  const isTurned = state.direction === "to" && !facts.kinds[state.kind].oneSequence;
  return {
    ...state, head: headsShown(state)[0], set: [], combine: "mean", words: false, sink: "show", special: "show",
    scale: "linear", direction: "from", zoom: null, focus: isTurned ? [] : state.focus,
  };
}

/**
 * What the page is told of the queries and keys of the layer of a state; undefined where it has none.
 * @param {State} state
 * @returns {LayerNeurons | undefined}
 */
function neuronsOf(state) {
  const { heads, neurons } = facts.kinds[state.kind];
  return neurons[heads[state.head].layer];
}

/**
 * The matrix of a state, with the queries and keys that it comes from.
 * @param {State} state
 * @returns {Promise<Matrix>}
 */
async function composeNeurons(state) {
  const [matrix, layer] = [await compose(state), neuronsOf(state)];
  if (!layer) return { ...matrix, neurons: null };
  const { heads } = facts.kinds[state.kind];
  const now = heads[state.head];
  const head = layer.heads[heads.filter((one) => one.layer === now.layer).indexOf(now)];
  const vectors = (state.rotary === "before" && head.unrotated) || head.rotated;
  const [[queries, keys], rotated, terms] = await Promise.all([
    Promise.all(vectors.map(blockNumbers)),
    Promise.all(head.rotated.map(blockNumbers)),
    Promise.all(head.terms.map(async ([name, block]) => /** @type {[string, Float32Array]} */ ([name, await blockNumbers(block)]))),
  ]);
  const { size, scale, softcap } = layer;
  return { ...matrix, neurons: { size, scale, softcap, sink: head.sink, terms, queries, keys, rotated, isBefore: vectors !== head.rotated } };
}

/**
 * @typedef {object} Score  How the score of a query and a key comes about.
 * @property {number} shown  The sum of the products that are shown: before rotary positions, it is not in the score.
 * @property {number} product  q · k.
 * @property {number} scaled  That times the scale.
 * @property {number} capped  That under the soft cap, if there is one.
 * @property {number[]} terms
 * @property {number} score
 */

/**
 * The scores of a query and of every key.
 * @param {Matrix} matrix
 * @param {Neurons} neurons
 * @param {number} query
 * @returns {Score[]}
 */
function scoresOf(matrix, neurons, query) {
  const { size, scale, softcap, terms, rotated } = neurons;
  const width = matrix.columns.labels.length;
  return matrix.columns.labels.map((_, key) => {
    const product = dot(rotated[0], rotated[1], query, key, size);
    const scaled = product * scale;
    const capped = softcap === null ? scaled : softcap * Math.tanh(scaled / softcap);
    const added = terms.map(([, numbers]) => numbers[query * width + key]);
    const shown = neurons.isBefore ? dot(neurons.queries, neurons.keys, query, key, size) : product;
    return { shown, product, scaled, capped, terms: added, score: added.reduce((sum, one) => sum + one, capped) };
  });
}

/**
 * @param {Float32Array} queries
 * @param {Float32Array} keys
 * @param {number} query
 * @param {number} key
 * @param {number} size
 */
function dot(queries, keys, query, key, size) {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += queries[query * size + i] * keys[key * size + i];
  return sum;
}

/**
 * The softmax of scores; with a learned sink, which is the last, its share too.
 * @param {Score[]} scores
 * @param {number | null} sink
 * @returns {number[]}
 */
function softmaxOf(scores, sink) {
  const all = [...scores.map(({ score }) => score), ...(sink === null ? [] : [sink])];
  const most = all.reduce((a, b) => Math.max(a, b), -Infinity);
  if (most === -Infinity) return all.map(() => 0);
  const powers = all.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/**
 * The query that is shown: the last token in focus, or else the first that is not special.
 * @param {Matrix} matrix
 * @param {State} state
 */
function queryShown(matrix, state) {
  const isSpecial = matrix.rows.tokens.map((token, row) => matrix.rows.special[row] || Boolean(asKey(matrix, state, token, "special")));
  return focusCells(matrix, state).at(-1) ?? Math.max(0, isSpecial.indexOf(false));
}

/**
 * What a query is called: of one text as its token is as a key, without what it writes.
 * @param {Matrix} matrix
 * @param {State} state
 * @param {number} query
 */
function queryName(matrix, state, query) {
  return asKey(matrix, state, matrix.rows.tokens[query], "labels") ?? matrix.rows.labels[query];
}

/**
 * What is known of a query's token as a key; undefined where keys are of another text.
 * @template {"special" | "labels"} Name
 * @param {Matrix} matrix
 * @param {State} state
 * @param {number} token
 * @param {Name} name
 * @returns {Axis[Name][number] | undefined}
 */
function asKey({ columns }, state, token, name) {
  return facts.kinds[state.kind].oneSequence ? columns[name][columns.tokens.indexOf(token)] : undefined;
}
