/**
 * What the page is told (`contents.py`), and what it makes of that.
 *
 * @typedef {object} Axis  One axis of a matrix, a list entry for each cell: see `axis.py`.
 * @property {string[]} labels
 * @property {[number, number][]} ranges  The tokens that a cell covers, from the first up to, not including, the second.
 * @property {string[]} texts
 * @property {boolean[]} spaced
 * @property {number[]} lines
 * @property {boolean[]} special
 * @property {boolean[]} written
 * @property {number[]} words
 * @property {number[]} tokens  The first token of each cell, also of a word's: what the state names cells by.
 *
 * @typedef {object} Head
 * @property {number} layer
 * @property {number} head
 * @property {[string, number, number] | null} role  Its name, its number, and what uniform attention would give.
 * @property {number} top  Where the scale of its colours ends.
 * @property {[number, number, number] | null} link  The strongest link: row, column, weight.
 * @property {(number | null)[]} values  A number for each of the kind's measures.
 *
 * @typedef {object} Kind
 * @property {number} trace  Which trace it is of: all kinds of all traces stand in one list.
 * @property {string} kind
 * @property {Axis} rows
 * @property {Axis} columns
 * @property {boolean} oneSequence  Whether rows and columns are tokens of the same text.
 * @property {{rows: Axis, columns: Axis} | null} words  The axes where the tokens of each word are one.
 * @property {Head[]} heads
 * @property {string[]} measures
 * @property {{head: number, value: number, baseline: number, isSure: boolean, measured: string | null}} chosen
 * @property {boolean} isPooled
 * @property {string | null} command
 * @property {string | null} neuronsCommand  What writes a page with queries and keys; the number of a layer is added.
 * @property {Object<string, LayerNeurons>} neurons  By the number of the layer.
 * @property {number[]} leftOut  Layers whose queries and keys were too large for the page.
 * @property {{size: [number, number], pictures: string, row_sums: string, received: string, peaks: string}} summary
 *
 * @typedef {object} LayerNeurons  See `neurons.py`.
 * @property {number} size  Dimensions of a query.
 * @property {number} scale
 * @property {number | null} softcap
 * @property {{rotated: [string, string], unrotated: [string, string] | null, terms: [string, string][], sink: number | null}[]} heads
 *
 * @typedef {object} Neurons  The queries and keys of a head.
 * @property {number} size
 * @property {number} scale
 * @property {number | null} softcap
 * @property {number | null} sink  A learned score that takes part in every softmax.
 * @property {[string, Float32Array][]} terms  Query after query, a number for each key.
 * @property {Float32Array} queries  Those that are shown, query after query.
 * @property {Float32Array} keys
 * @property {Float32Array[]} rotated  The queries and keys that the scores are of.
 * @property {boolean} isBefore  Whether those shown are not these but those before rotary positions.
 *
 * @typedef {object} Theme
 * @property {string} background
 * @property {string} ink
 * @property {string} muted
 * @property {string} blank
 * @property {string} hairline
 * @property {string} cells
 * @property {string} text
 * @property {string} difference
 *
 * @typedef {object} TraceNames
 * @property {string} title
 * @property {string} model
 * @property {string} name  In short, what the other traces do not share.
 * @property {string[]} notes
 *
 * @typedef {object} CommonTokens  Tokens of A, each with the same token of B.
 * @property {[number, number][]} rows
 * @property {[number, number][]} columns
 * @property {string[]} labels  Of the rows.
 * @property {[string[], string[]]} alone  What only A has, and what only B has.
 *
 * @typedef {object} Pair  Two kinds of two traces that can be compared: see `pair.py`.
 * @property {[number, number]} kinds  Their numbers, A and B.
 * @property {CommonTokens | null} tokens
 * @property {CommonTokens | null} words
 * @property {[string | null, string | null]} commands  Of A − B and of B − A.
 *
 * @typedef {object} Facts
 * @property {8 | 16} bits
 * @property {TraceNames[]} traces
 * @property {Pair[]} pairs
 * @property {string} start  The state that the page opens with, as an address holds it.
 * @property {string[]} notes  On the page; each trace has its own.
 * @property {Object<string, number>} roles  The threshold of each role.
 * @property {{light: Theme, dark: Theme}} themes
 * @property {Kind[]} kinds
 *
 * @typedef {object} Matrix  What the views draw: one head, or several as one.
 * @property {Axis} rows
 * @property {Axis} columns
 * @property {Float32Array} weights  Row after row.
 * @property {Uint8Array} may  1 where the query may look at the key and nothing was taken out.
 * @property {Float32Array} rowSums  What each row gives to all keys before anything was taken out.
 * @property {Float32Array} columnSums  What each column gets from all rows that are shown.
 * @property {Float32Array | null} removed  What was taken out of each row.
 * @property {Uint16Array | null} who  Which of the heads has the largest weight of a cell.
 * @property {number} top  Where the scale of the colours ends.
 * @property {boolean} causal
 * @property {boolean} [isSigned]  Whether it is a difference, whose scale goes from -top to top.
 * @property {Neurons | null} [neurons]  What the weights are computed from, where it is asked for; null where it is not known.
 * @property {Comparison | string} [comparison]  What a difference is of; or why there is none, in words.
 *
 * @typedef {object} Comparison  Two matrices, A and B, whose common cells, A − B, are a third.
 * @property {Matrix} a
 * @property {Matrix} b
 * @property {CommonTokens} common
 *
 * @typedef {object} State  All that a link to the page reopens.
 * @property {number} kind
 * @property {number} head
 * @property {number[]} set  Heads that are drawn as one; none means `head` alone.
 * @property {"mean" | "max" | "who"} combine
 * @property {string} view
 * @property {"from" | "to"} direction  Whether the tokens in focus look, or are looked at.
 * @property {number[]} focus  Tokens of the rows, or with "to" of the columns.
 * @property {[number, number] | null} cursor  The tokens of the row and of the column under the crosshair.
 * @property {[number, number, number, number] | null} zoom  Tokens: first and last row, first and last column.
 * @property {number | null} other  The trace that this one is compared with.
 * @property {"linear" | "log"} scale
 * @property {"after" | "before"} rotary  Whether queries and keys are shown after rotary positions or before.
 * @property {"show" | "mask" | "renorm"} sink
 * @property {"show" | "hide" | "renorm"} special
 * @property {boolean} words
 * @property {number} mass  Per cent of the weight that lines and arcs show.
 * @property {string} sort
 * @property {"light" | "dark" | null} theme
 * @property {"en" | "ko" | null} lang
 */
