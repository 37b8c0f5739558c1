/**
 * A deployment whose answers a test writes, behind the interface that `convex/react` asks of its client. It stands for
 * the network and the server only: hooks, stores and components above it are the app's own.
 */
import { getFunctionName, type FunctionReference } from "convex/server";
import type { ConvexReactClient } from "convex/react";

type Args = Record<string, unknown>;
type MutationHandler = (args: Args) => Promise<unknown>;

export class FakeDeployment {
  readonly mutations: { name: string; args: Args }[] = [];
  private readonly results = new Map<string, unknown>();
  private readonly watchers = new Map<string, Set<() => void>>();
  private readonly handlers = new Map<string, MutationHandler>();
  private isConnected = true;
  private readonly connectionListeners = new Set<() => void>();

  readonly client = {
    watchQuery: (query: FunctionReference<"query">, args: Args) => {
      const key = queryKey(getFunctionName(query), args);
      return {
        onUpdate: (callback: () => void) => this.watch(key, callback),
        localQueryResult: () => this.results.get(key),
        journal: () => undefined,
      };
    },
    mutation: (mutation: FunctionReference<"mutation">, args: Args) =>
      this.mutate(getFunctionName(mutation), args),
    connectionState: () => this.connectionState(),
    subscribeToConnectionState: (listener: () => void) => {
      this.connectionListeners.add(listener);
      return () => this.connectionListeners.delete(listener);
    },
  } as unknown as ConvexReactClient;

  /** Answers a query; whoever subscribes to it is told. `name` is like `chats:getChat`. */
  answer(name: string, args: Args, result: unknown): void {
    const key = queryKey(name, args);
    this.results.set(key, result);
    for (const callback of this.watchers.get(key) ?? []) callback();
  }

  onMutation(name: string, handler: MutationHandler): void {
    this.handlers.set(name, handler);
  }

  setConnected(isConnected: boolean): void {
    this.isConnected = isConnected;
    for (const listener of this.connectionListeners) listener();
  }

  /** Which queries of this name somebody is subscribed to at the moment. */
  subscribed(name: string): Args[] {
    return [...this.watchers]
      .filter(([key, watchers]) => key.startsWith(`${name} `) && watchers.size > 0)
      .map(([key]) => JSON.parse(key.slice(name.length + 1)) as Args);
  }

  private watch(key: string, callback: () => void): () => void {
    const watchers = this.watchers.get(key) ?? new Set();
    this.watchers.set(key, watchers);
    watchers.add(callback);
    return () => watchers.delete(callback);
  }

  private mutate(name: string, args: Args): Promise<unknown> {
    this.mutations.push({ name, args });
    const handler = this.handlers.get(name);
    return handler === undefined
      ? Promise.reject(new Error(`no answer is written for ${name}`))
      : handler(args);
  }

  private connection = { isWebSocketConnected: true, hasEverConnected: true };
  private connectionState() {
    if (this.connection.isWebSocketConnected !== this.isConnected) {
      this.connection = { ...this.connection, isWebSocketConnected: this.isConnected };
    }
    return this.connection;
  }
}

function queryKey(name: string, args: Args): string {
  return `${name} ${JSON.stringify(args)}`;
}
