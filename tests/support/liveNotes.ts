/** Official clients of the fixture `notes`, and what their subscriptions were told. */
import { ConvexClient, type ConvexClientOptions } from "convex/browser";
import type { FunctionReference } from "convex/server";
import { WebSocket } from "ws";
import { notes } from "./notesApp.ts";

export function connectClient(url: string, options: ConvexClientOptions = {}): ConvexClient {
  return new ConvexClient(url, {
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
    logger: false,
    ...options,
  });
}

export interface Watch<Value> {
  /** Every result since the subscription began. */
  results: Value[];
  /** Resolves once a result satisfies the condition. */
  reached: (condition: (result: Value) => boolean) => Promise<void>;
}

export function watchBoard(client: ConvexClient, board: string): Watch<string[]> {
  return watchQuery(client, notes.list, { board });
}

export function watchQuery<Args extends Record<string, unknown>, Value>(
  client: ConvexClient,
  query: FunctionReference<"query", "public", Args, Value>,
  args: Args,
): Watch<Value> {
  const results: Value[] = [];
  const waiting = new Set<() => void>();
  client.onUpdate(query, args, (result) => {
    results.push(result);
    for (const wake of waiting) wake();
  });
  return {
    results,
    async reached(condition) {
      while (!results.some(condition)) await new Promise<void>((resolve) => waiting.add(resolve));
    },
  };
}
