/**
 * Stands in for `rehype-raw`, which Streamdown imports and this app does not use: its HTML parser is a third of the
 * renderer's size. Where it were used, raw HTML would stay what it is, a node that nothing renders.
 */
export default function noRawHtml(): void {
  // A plugin without a transformer leaves the tree alone.
}
