/** What a subscription of an official client was told. */
import type { ConvexClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import type { Value } from "convex/values";

export interface Watch<Result> {
  /** Every result since the subscription began. */
  results: Result[];
  errors: Error[];
  /** Resolves with the first result, past or to come, that satisfies the condition. */
  reached: (condition: (result: Result) => boolean) => Promise<Result>;
  /** Resolves with the first error. */
  failed: () => Promise<Error>;
  stop: () => void;
}

export function watch<Result>(
  client: ConvexClient,
  name: string,
  args: Record<string, Value> = {},
): Watch<Result> {
  const results: Result[] = [];
  const errors: Error[] = [];
  let next = Promise.withResolvers<void>();
  const wake = (): void => {
    next.resolve();
    next = Promise.withResolvers<void>();
  };
  const unsubscribe = client.onUpdate(
    makeFunctionReference<"query", Record<string, Value>, Result>(name),
    args,
    (result) => {
      results.push(result);
      wake();
    },
    (error) => {
      errors.push(error);
      wake();
    },
  );
  const firstOf = async <Item>(items: () => Item | undefined): Promise<Item> => {
    for (;;) {
      const found = items();
      if (found !== undefined) return found;
      await next.promise;
    }
  };
  return {
    results,
    errors,
    reached: (condition) => firstOf(() => results.find(condition)),
    failed: () => firstOf(() => errors[0]),
    stop: () => unsubscribe(),
  };
}
