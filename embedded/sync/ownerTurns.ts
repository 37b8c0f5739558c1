/** In which order queries run: owners take turns, also from one slice to the next, whatever the number of their queries. */

interface Owned<Owner> {
  /** The owner of the first one counts: the others gain from its turn. */
  subscriptions: ReadonlySet<{ readonly owner: Owner }>;
}

export class OwnerTurns<Owner> {
  /** Who has waited longest comes first. undefined: queries that nobody watches any more. */
  readonly #owners = new Set<Owner | undefined>();

  /** One query of each owner, then the next of each. */
  order<Query extends Owned<Owner>>(queries: readonly Query[]): Query[] {
    const lines = Map.groupBy(queries, ownerOf);
    for (const owner of this.#owners) if (!lines.has(owner)) this.#owners.delete(owner);
    for (const owner of lines.keys()) this.#owners.add(owner);
    const ordered: Query[] = [];
    for (let round = 0; ordered.length < queries.length; round++) {
      for (const owner of this.#owners) {
        const query = lines.get(owner)?.[round];
        if (query !== undefined) ordered.push(query);
        else lines.delete(owner);
      }
    }
    return ordered;
  }

  /** The query's owner has had a turn. */
  taken(query: Owned<Owner>): void {
    const owner = ownerOf(query);
    this.#owners.delete(owner);
    this.#owners.add(owner);
  }
}

function ownerOf<Owner>({ subscriptions }: Owned<Owner>): Owner | undefined {
  const [first] = subscriptions;
  return first?.owner;
}
