/**
 * What many live results were read from, so that a commit finds those it touches at a cost that grows with what it wrote
 * and touches, not with how many there are.
 */
import type { ReadSet, WriteSet } from "../protocol/engine.ts";
import { IntervalTree } from "./intervalTree.ts";
import type { IntervalNode } from "./intervalTree.ts";
import { IndexReads } from "./readSet.ts";
import type { KeyInterval } from "./readSet.ts";
import { IndexWrites } from "./writeSet.ts";

type Nodes<Owner> = Map<number, IntervalNode<Owner>[]>;

export class LiveReads<Owner> {
  readonly #trees = new Map<number, IntervalTree<Owner>>();
  readonly #nodes = new Map<Owner, Nodes<Owner>>();
  /** Read sets that are not intervals of indexes: asked one by one. */
  readonly #others = new Map<Owner, ReadSet>();

  /** Puts `reads` in place of what the owner read before. It must not be widened afterwards. */
  set(owner: Owner, reads: ReadSet): void {
    if (!(reads instanceof IndexReads)) {
      this.delete(owner);
      this.#others.set(owner, reads);
      return;
    }
    this.#others.delete(owner);
    const former: Nodes<Owner> = this.#nodes.get(owner) ?? new Map<number, IntervalNode<Owner>[]>();
    const next: Nodes<Owner> = new Map();
    for (const [indexId, intervals] of reads.intervals()) {
      next.set(indexId, this.#replaced(indexId, former.get(indexId) ?? [], intervals, owner));
      former.delete(indexId);
    }
    for (const [indexId, nodes] of former) this.#remove(indexId, nodes);
    this.#nodes.set(owner, next);
  }

  delete(owner: Owner): void {
    this.#others.delete(owner);
    for (const [indexId, nodes] of this.#nodes.get(owner) ?? []) this.#remove(indexId, nodes);
    this.#nodes.delete(owner);
  }

  touchedBy(writes: WriteSet): Set<Owner> {
    const touched = new Set<Owner>();
    for (const [owner, reads] of this.#others) if (reads.isTouchedBy(writes)) touched.add(owner);
    if (!(writes instanceof IndexWrites)) return touched;
    if (writes.touchesEverything) {
      for (const owner of this.#nodes.keys()) touched.add(owner);
      return touched;
    }
    for (const [indexId, keys] of writes.byIndex()) {
      const tree = this.#trees.get(indexId);
      if (tree === undefined) continue;
      for (const key of keys) tree.visitAt(key, (owner) => touched.add(owner));
    }
    return touched;
  }

  /** A result that is read again mostly comes from the same intervals: those stay where they are. */
  #replaced(
    indexId: number,
    former: IntervalNode<Owner>[],
    intervals: readonly KeyInterval[],
    owner: Owner,
  ): IntervalNode<Owner>[] {
    const isSame =
      former.length === intervals.length &&
      intervals.every((interval, place) => isEqual(interval, former[place]?.interval));
    if (isSame) return former;
    this.#remove(indexId, former);
    const tree = this.#trees.get(indexId) ?? new IntervalTree<Owner>();
    this.#trees.set(indexId, tree);
    return intervals.map((interval) => tree.insert(interval, owner));
  }

  #remove(indexId: number, nodes: readonly IntervalNode<Owner>[]): void {
    const tree = this.#trees.get(indexId);
    if (tree === undefined) return;
    for (const node of nodes) tree.remove(node);
    if (tree.isEmpty) this.#trees.delete(indexId);
  }
}

function isEqual(a: KeyInterval, b: KeyInterval | undefined): boolean {
  if (b === undefined || !a.lower.equals(b.lower)) return false;
  return a.upper === null || b.upper === null ? a.upper === b.upper : a.upper.equals(b.upper);
}
