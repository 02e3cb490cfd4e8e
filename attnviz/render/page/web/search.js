/** The search: a word, or a pair of them. */

/** What stands between the two words of a pair. */
const PAIR = /\s*(?:→|->)\s*|\s+>\s+/;

/**
 * Put what is called so into focus: a word's tokens, or the cells of a pair.
 * @param {string} asked
 */
function find(asked) {
  const kind = facts.kinds[state.kind];
  const [first, second] = asked.trim().split(PAIR);
  if (!first) return;
  if (second) {
    const [rows, columns] = [named(kind.rows, first), named(kind.columns, second)];
    if (!rows.length || !columns.length) return reportMissing(rows.length ? second : first);
    change({ direction: "from", focus: rows, cursor: [rows[0], columns[0]], zoom: null });
    return;
  }
  const axis = state.direction === "from" ? kind.rows : kind.columns;
  const focus = named(axis, first);
  if (focus.length) change({ focus });
  else reportMissing(first);
}

/**
 * The tokens of an axis that are called so, or of which the words are, or whose names begin so; capitals do not count.
 * @param {Axis} axis
 * @param {string} name
 * @returns {number[]}
 */
function named(axis, name) {
  const asked = name.normalize("NFC").toLowerCase();
  const texts = axis.texts.map((text) => text.normalize("NFC").toLowerCase());
  const labels = axis.labels.map((text) => text.normalize("NFC").toLowerCase());
  const byName = (/** @type {(text: string) => boolean} */ is) =>
    axis.ranges.flatMap(([start], cell) => (is(texts[cell]) || is(labels[cell]) ? [start] : []));
  const exact = byName((text) => text === asked);
  if (exact.length) return exact;
  const ofWords = wordsNamed(axis, texts, asked);
  return ofWords.length ? ofWords : byName((text) => text.startsWith(asked));
}

/**
 * @param {Axis} axis
 * @param {string[]} texts
 * @param {string} asked
 * @returns {number[]}
 */
function wordsNamed(axis, texts, asked) {
  /** @type {Map<number, {text: string, tokens: number[]}>} */
  const words = new Map();
  axis.words.forEach((word, cell) => {
    const { text, tokens } = words.get(word) ?? { text: "", tokens: [] };
    words.set(word, { text: text + texts[cell], tokens: [...tokens, axis.ranges[cell][0]] });
  });
  return [...words.values()].flatMap(({ text, tokens }) => (text === asked ? tokens : []));
}

/** @param {string} name */
function reportMissing(name) {
  byId("readout").textContent = say("nothingFound", { name });
}
