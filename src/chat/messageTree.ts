/**
 * Which way through the tree of a chat's messages is on the screen. Messages that answer the same one are versions of
 * each other. Shown is the version that a person chose in this tab, and otherwise the one on the way to the newest
 * message: so a version that somebody asks for on another device is seen here as well.
 */

export interface TreeMessage {
  id: string;
  parentId: string | null;
}

/** Each version that was chosen, by the fork at which it stands. */
export type ChosenVersions = ReadonlyMap<string, string>;

export interface PathStep<Message extends TreeMessage> {
  message: Message;
  /** The place in the tree that this message shares with its other versions. */
  fork: string;
  /** Oldest first, `message` among them. */
  versions: readonly Message[];
}

export function forkOf({ parentId }: TreeMessage): string {
  return parentId ?? "root";
}

/**
 * The path from the first message to a last one. `messages` are oldest first, a parent before what answers it. A parent
 * may be missing, for the list of a long chat begins in its middle; the path then begins there too.
 */
export function shownPath<Message extends TreeMessage>(
  messages: readonly Message[],
  chosen: ChosenVersions,
): PathStep<Message>[] {
  const versionsAt = new Map<string, Message[]>();
  for (const message of messages) {
    const versions = versionsAt.get(forkOf(message));
    if (versions === undefined) versionsAt.set(forkOf(message), [message]);
    else versions.push(message);
  }
  const { newestAt, firstFork } = waysToNewest(messages);
  const path: PathStep<Message>[] = [];
  let fork = firstFork;
  for (;;) {
    const versions = fork === null ? undefined : versionsAt.get(fork);
    const newest = fork === null ? undefined : newestAt.get(fork);
    if (fork === null || versions === undefined || newest === undefined) return path;
    const chosenId = chosen.get(fork);
    const message = versions.find(({ id }) => id === chosenId) ?? newest;
    path.push({ message, fork, versions });
    versionsAt.delete(fork);
    fork = message.id;
  }
}

/** The version at each fork on the way to the newest message below it, and the fork where the way to the newest begins. */
function waysToNewest<Message extends TreeMessage>(messages: readonly Message[]) {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const newestAt = new Map<string, Message>();
  let firstFork: string | null = null;
  for (const newest of messages.toReversed()) {
    let message: Message | undefined = newest;
    // A fork that has a way already has been passed on the way of something newer, and so has all above it.
    while (message !== undefined && !newestAt.has(forkOf(message))) {
      newestAt.set(forkOf(message), message);
      const parent: Message | undefined = message.parentId === null ? undefined : byId.get(message.parentId);
      if (parent === undefined) firstFork ??= forkOf(message);
      message = parent;
    }
  }
  return { newestAt, firstFork };
}

/**
 * The choices after a person chose `version` at a fork. The version on the way to the newest message needs no choice:
 * what comes after it is then shown as well.
 */
export function chooseVersion<Message extends TreeMessage>(
  messages: readonly Message[],
  chosen: ChosenVersions,
  version: Message,
): ChosenVersions {
  const fork = forkOf(version);
  const next = new Map(chosen);
  if (waysToNewest(messages).newestAt.get(fork)?.id === version.id) next.delete(fork);
  else next.set(fork, version.id);
  return next;
}
