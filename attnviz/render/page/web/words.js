/** A matrix by words instead of tokens: what is looked at adds up, what looks is averaged (Clark et al. 2019, section 3). */

/**
 * The weights with the tokens of each word merged; `attnviz.words` does the same in Python.
 * @param {Float32Array} weights  Row after row.
 * @param {number[]} rowWords  The number of each row's word.
 * @param {number[]} columnWords
 * @returns {Float32Array}
 */
function mergeWords(weights, rowWords, columnWords) {
  const height = rowWords[rowWords.length - 1] + 1;
  const width = columnWords[columnWords.length - 1] + 1;
  const merged = new Float32Array(height * width);
  let cell = 0;
  for (const row of rowWords) for (const column of columnWords) merged[row * width + column] += weights[cell++];
  const counts = wordSizes(rowWords, height);
  for (let i = 0; i < merged.length; i++) merged[i] /= counts[Math.floor(i / width)];
  return merged;
}

/**
 * The mean number of the tokens of each word.
 * @param {Float32Array} numbers
 * @param {number[]} words
 * @returns {Float32Array}
 */
function meanOfWords(numbers, words) {
  const count = words[words.length - 1] + 1;
  const sizes = wordSizes(words, count);
  const means = new Float32Array(count);
  words.forEach((word, token) => (means[word] += numbers[token] / sizes[word]));
  return means;
}

/**
 * @param {number[]} words
 * @param {number} count
 * @returns {Float32Array}
 */
function wordSizes(words, count) {
  const sizes = new Float32Array(count);
  for (const word of words) sizes[word]++;
  return sizes;
}
