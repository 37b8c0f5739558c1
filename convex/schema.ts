/** The tables of the backend, and the validators of what their rows hold. */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import type { Infer } from "convex/values";
import type { ProviderErrorKind } from "./shared/errors.ts";
import type { RunStatus } from "./shared/streamEvents.ts";

export const runStatusValidator = v.union(
  v.literal("queued"),
  v.literal("running"),
  v.literal("recovering"),
  v.literal("complete"),
  v.literal("stopped"),
  v.literal("failed"),
  v.literal("interrupted"),
);

export const finishReasonValidator = v.union(v.literal("stop"), v.literal("length"), v.literal("refused"));

export const replyErrorValidator = v.object({
  kind: v.union(
    v.literal("auth"),
    v.literal("rateLimit"),
    v.literal("overloaded"),
    v.literal("invalidRequest"),
    v.literal("contextTooLong"),
    v.literal("refused"),
    v.literal("network"),
    v.literal("timeout"),
    v.literal("unknown"),
  ),
  message: v.string(),
});

/** Two types that accept the same values. The lines below fail to compile when a validator and its type part. */
type Same<Left, Right> = [Left, Right] extends [Right, Left] ? true : false;
true satisfies Same<Infer<typeof runStatusValidator>, RunStatus>;
true satisfies Same<Infer<typeof replyErrorValidator>["kind"], ProviderErrorKind>;

/**
 * Tokens. Input includes what was read from and written to the provider's cache, output includes reasoning.
 */
export const usageValidator = v.object({
  inputTokens: v.number(),
  outputTokens: v.number(),
  cacheReadTokens: v.number(),
  cacheWriteTokens: v.number(),
  reasoningTokens: v.number(),
  /** The provider gave no final count (the reply was stopped or broke off): this is a guess from the text. */
  estimated: v.boolean(),
});

/** A response that its provider goes on with by itself, and where in the reply's text and reasoning it began. */
export const responseValidator = v.object({ id: v.string(), from: v.number(), reasoningFrom: v.number() });

export const replyValidator = v.object({
  /** The reply's stream id: its first component stream, and its name for good. */
  streamId: v.string(),
  status: runStatusValidator,
  attempt: v.number(),
  model: v.string(),
  finishReason: v.union(finishReasonValidator, v.null()),
  error: v.union(replyErrorValidator, v.null()),
  usage: v.union(usageValidator, v.null()),
  costUsd: v.union(v.number(), v.null()),
  /** The run waits for its turn, because as many go on as may; missing is no. */
  waitsForPlace: v.optional(v.boolean()),
  /** The earlier version whose text this one begins with. */
  continues: v.optional(v.id("messages")),
  /** The model thought: `reasonings` has rows of this reply. */
  hasReasoning: v.optional(v.boolean()),
});

export const chatStatusValidator = v.union(v.literal("idle"), v.literal("replying"));

export default defineSchema({
  /**
   * What a list of chats shows. Written by createChat, by each send and by the end of each run; read by
   * getChat and listChats. `deleting` while a deletion may be taken back, `purging` until its last step, which
   * deletes the row.
   */
  chats: defineTable({
    ownerId: v.string(),
    lifecycle: v.union(v.literal("live"), v.literal("deleting"), v.literal("purging")),
    /** When the purge begins or made its last step; only a chat that is deleted has one. */
    purgeAt: v.optional(v.number()),
    /** The client's name for the request that created the chat, if it gave one. */
    clientRequestId: v.union(v.string(), v.null()),
    title: v.string(),
    model: v.string(),
    status: chatStatusValidator,
    updatedAt: v.number(),
  })
    .index("by_owner", ["ownerId", "lifecycle", "updatedAt"])
    .index("by_request", ["ownerId", "lifecycle", "clientRequestId"])
    .index("by_purge", ["lifecycle", "purgeAt"]),

  /**
   * Who may see a chat, apart from `chats` so that a chat's activity re-runs no query about its texts.
   * Written by createChat and restoreChat; read by every access check; deleted by deleteChat at once, which
   * closes the chat to everybody.
   */
  chatAccess: defineTable({
    chatId: v.id("chats"),
    ownerId: v.string(),
  }).index("by_chat", ["chatId"]),

  /**
   * The tree of turns, without their text. Written by createChat and send; a reply also when its run changes
   * status, never at a flush. Read by messages.list and the prompt context; deleted by the purge of its chat.
   */
  messages: defineTable({
    chatId: v.id("chats"),
    parentId: v.union(v.id("messages"), v.null()),
    role: v.union(v.literal("user"), v.literal("assistant")),
    /** The client's name for the request that sent it, or that asked for this reply and for nothing else. */
    clientRequestId: v.union(v.string(), v.null()),
    reply: v.union(replyValidator, v.null()),
  })
    .index("by_chat", ["chatId"])
    .index("by_parent", ["parentId"])
    .index("by_request", ["chatId", "clientRequestId"]),

  /**
   * The text of a message, in one row or, when one document could not hold it, in numbered parts. Written by
   * send and by the end of a run, once; read by getText, getChatBody and the prompt context; deleted by the
   * purge of its chat.
   */
  messageTexts: defineTable({
    messageId: v.id("messages"),
    part: v.number(),
    text: v.string(),
  }).index("by_message", ["messageId", "part"]),

  /**
   * The work of producing a reply: one row for each. Written at each change of status and about once a second
   * while a pump holds it, for its lease, so no public query reads it. Deleted ten minutes after the run's
   * end, or by the purge of its chat.
   */
  runs: defineTable({
    chatId: v.id("chats"),
    messageId: v.id("messages"),
    tailId: v.id("tails"),
    streamId: v.string(),
    /** Of the chat; missing in rows of an older version. */
    ownerId: v.optional(v.string()),
    model: v.string(),
    status: runStatusValidator,
    attempt: v.number(),
    /** How often its holder was lost; missing in rows of an older version, where it is the attempts before this one. */
    deaths: v.optional(v.number()),
    /** How often the queue started an action for it since somebody last held it; missing is never. */
    starts: v.optional(v.number()),
    /** Tries of the reaper that failed since somebody last held it; missing is none. */
    failedTakeUps: v.optional(v.number()),
    /** The token that last gave the run to another action, so that it may ask again when the answer was lost. */
    handedOnBy: v.optional(v.string()),
    /**
     * Who may write: minted by the pump that claimed, null while nobody holds the run. Kept after the end.
     */
    token: v.union(v.string(), v.null()),
    /** The driver's own name for its claim, so that it may ask again when the answer was lost. */
    driverToken: v.union(v.string(), v.null()),
    /** The length of the persisted text when the run was claimed; missing, as 0, in rows of an older version. */
    claimedLength: v.optional(v.number()),
    /** The component stream that takes the next chunk. */
    openStream: v.object({ streamId: v.string(), index: v.number(), from: v.number(), openedAt: v.number() }),
    /** Missing where a successor has nothing to resume. It is kept when the run dies or is handed on, and after its end. */
    response: v.optional(responseValidator),
    /** When the reaper takes the run up; null after its end. */
    deadline: v.union(v.number(), v.null()),
    stopRequestedAt: v.union(v.number(), v.null()),
  })
    .index("by_token", ["token"])
    .index("by_stream", ["streamId"])
    .index("by_deadline", ["deadline"])
    .index("by_chat", ["chatId", "deadline"])
    .index("by_owner", ["ownerId", "status"])
    .index("by_handed_on", ["handedOnBy"]),

  /**
   * The component streams of a reply, in order; the row of index 0 maps the reply's stream id to it. Written
   * when a stream is opened; read by getChatBody; all but index 0 are deleted ten minutes after the run's
   * end, index 0 by the purge of its chat.
   */
  replyStreams: defineTable({
    streamId: v.string(),
    chatId: v.id("chats"),
    messageId: v.id("messages"),
    index: v.number(),
    /** False once the component's stream is gone and only the name is left. */
    isStored: v.boolean(),
    /** True once its text is in `messageTexts`: readers take it from there. Missing in rows of an older version. */
    isSealed: v.optional(v.boolean()),
  })
    .index("by_stream", ["streamId"])
    .index("by_message", ["messageId", "index"]),

  /**
   * The newest flushes of a live reply, small enough to send to every spectator each time; where they end,
   * the persisted text ends. Written at each flush and change of status; read by getTail; deleted ten minutes
   * after the run's end, or by the purge of its chat.
   */
  tails: defineTable({
    streamId: v.string(),
    chatId: v.id("chats"),
    attempt: v.number(),
    /** Offset of the first of `flushes` in the reply. */
    from: v.number(),
    flushes: v.array(v.string()),
    /** UTF-8 bytes in the component stream that takes the next chunk; missing in rows of an older version. */
    streamBytes: v.optional(v.number()),
    status: runStatusValidator,
  }).index("by_stream", ["streamId"]),

  /**
   * How far the text of a long reply has been moved from its streams to `messageTexts`, apart from `runs` so that
   * the moving meets no flush. Written when a reply has many streams and at each step; read by the reaper; deleted
   * with the run.
   */
  seals: defineTable({
    runId: v.id("runs"),
    /** This many of the first streams are stored, as this many parts, which are this long in all. */
    streams: v.number(),
    parts: v.number(),
    length: v.number(),
    /** When the reaper goes on with it; null while there is nothing to do, and when it failed too often. */
    deadline: v.union(v.number(), v.null()),
    /** Steps in a row that failed; missing is none. */
    failures: v.optional(v.number()),
  })
    .index("by_run", ["runId"])
    .index("by_deadline", ["deadline"]),

  /**
   * The places of the runs that go on, of which there are MAX_CONCURRENT_RUNS. Written when a run begins; read by
   * claims and by the queue; deleted when the run ends, dies or is handed on.
   */
  runPlaces: defineTable({
    runId: v.id("runs"),
    number: v.number(),
  })
    .index("by_run", ["runId"])
    .index("by_number", ["number"]),

  /**
   * What the model thought of a reply, in numbered parts; apart from the text, which no thought may hold up.
   * Written by the reply's pump at most once a second; read by reasoning.get, when somebody opens it; deleted by
   * the purge of its chat.
   */
  reasonings: defineTable({
    streamId: v.string(),
    messageId: v.id("messages"),
    chatId: v.id("chats"),
    part: v.number(),
    /** Offset in the reply's text where the thought stands. */
    place: v.number(),
    /** Offset of the part in the reply's reasoning. */
    from: v.number(),
    text: v.string(),
  }).index("by_stream", ["streamId", "part"]),

  /**
   * Runs that the server produces itself, apart from `runs` so that counting them meets no flush. Written
   * when no driver came or one died; read and moved on by the queue; deleted when a driver claims the run
   * after all, or at its end.
   */
  serverQueue: defineTable({
    runId: v.id("runs"),
    state: v.union(v.literal("waiting"), v.literal("started")),
    /** The lower is started first; missing in rows of an older version, which come before all. */
    rank: v.optional(v.number()),
  })
    .index("by_run", ["runId"])
    .index("by_state", ["state", "rank"]),
});
