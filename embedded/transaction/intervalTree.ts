/**
 * Intervals of keys with an owner each, so that those that hold a key are found without looking at the others: a treap
 * ordered by lower bound, in which each node knows the largest upper bound below it.
 */
import type { IndexKey } from "../values/indexKey.ts";
import { largerUpper } from "./readSet.ts";
import type { KeyInterval } from "./readSet.ts";

export interface IntervalNode<Owner> {
  readonly interval: KeyInterval;
  readonly owner: Owner;
  readonly sequence: number;
  /** Larger ones are nearer to the root. */
  readonly priority: number;
  left: IntervalNode<Owner> | null;
  right: IntervalNode<Owner> | null;
  /** Of this node and all below it; null is the end of the index. */
  maxUpper: IndexKey | null;
}

type Tree<Owner> = IntervalNode<Owner> | null;

export class IntervalTree<Owner> {
  #root: Tree<Owner> = null;
  #nextSequence = 1;

  get isEmpty(): boolean {
    return this.#root === null;
  }

  /** @param interval - Not empty, and not changed afterwards. */
  insert(interval: KeyInterval, owner: Owner): IntervalNode<Owner> {
    const sequence = this.#nextSequence++;
    const priority = scattered(sequence);
    const node = { interval, owner, sequence, priority, left: null, right: null, maxUpper: interval.upper };
    this.#root = inserted(this.#root, node);
    return node;
  }

  remove(node: IntervalNode<Owner>): void {
    this.#root = removed(this.#root, node);
  }

  /** Calls `visit` with the owner of each interval that holds the key. */
  visitAt(key: IndexKey, visit: (owner: Owner) => void): void {
    visitAt(this.#root, key, visit);
  }
}

function visitAt<Owner>(tree: Tree<Owner>, key: IndexKey, visit: (owner: Owner) => void): void {
  let node = tree;
  while (node !== null && isBelow(key, node.maxUpper)) {
    visitAt(node.left, key, visit);
    // Everything to the right begins even later.
    if (Buffer.compare(node.interval.lower, key) > 0) return;
    if (isBelow(key, node.interval.upper)) visit(node.owner);
    node = node.right;
  }
}

function isBelow(key: IndexKey, upper: IndexKey | null): boolean {
  return upper === null || Buffer.compare(key, upper) < 0;
}

function inserted<Owner>(tree: Tree<Owner>, node: IntervalNode<Owner>): IntervalNode<Owner> {
  if (tree === null) return node;
  if (node.priority > tree.priority) {
    [node.left, node.right] = split(tree, node);
    return refreshed(node);
  }
  if (isBefore(node, tree)) tree.left = inserted(tree.left, node);
  else tree.right = inserted(tree.right, node);
  return refreshed(tree);
}

function removed<Owner>(tree: Tree<Owner>, node: IntervalNode<Owner>): Tree<Owner> {
  if (tree === null) throw new Error("An interval was removed that is not there");
  if (tree === node) return joined(node.left, node.right);
  if (isBefore(node, tree)) tree.left = removed(tree.left, node);
  else tree.right = removed(tree.right, node);
  return refreshed(tree);
}

/** What comes before `node` in the order, and what comes after. */
function split<Owner>(tree: Tree<Owner>, node: IntervalNode<Owner>): [Tree<Owner>, Tree<Owner>] {
  if (tree === null) return [null, null];
  if (isBefore(tree, node)) {
    const [before, after] = split(tree.right, node);
    tree.right = before;
    return [refreshed(tree), after];
  }
  const [before, after] = split(tree.left, node);
  tree.left = after;
  return [before, refreshed(tree)];
}

/** @param left - All of it comes before all of `right`. */
function joined<Owner>(left: Tree<Owner>, right: Tree<Owner>): Tree<Owner> {
  if (left === null) return right;
  if (right === null) return left;
  if (left.priority > right.priority) {
    left.right = joined(left.right, right);
    return refreshed(left);
  }
  right.left = joined(left, right.left);
  return refreshed(right);
}

function isBefore<Owner>(a: IntervalNode<Owner>, b: IntervalNode<Owner>): boolean {
  const order = Buffer.compare(a.interval.lower, b.interval.lower);
  return order < 0 || (order === 0 && a.sequence < b.sequence);
}

function refreshed<Owner>(node: IntervalNode<Owner>): IntervalNode<Owner> {
  let maxUpper = node.interval.upper;
  if (node.left !== null) maxUpper = largerUpper(maxUpper, node.left.maxUpper);
  if (node.right !== null) maxUpper = largerUpper(maxUpper, node.right.maxUpper);
  node.maxUpper = maxUpper;
  return node;
}

/** The finalizer of MurmurHash3: as good as random for the balance, and the same in every run. */
function scattered(sequence: number): number {
  let hash = sequence;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
