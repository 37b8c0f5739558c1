/** What a scenario leaves behind for the rules: what clients saw, what the model was asked and sent, what is stored. */
import type { RequestState } from "../../demo/requestLog.ts";
import type { Turn, Wire } from "../../demo/conversation.ts";
import type { RunStatus } from "../../convex/shared/streamEvents.ts";
import type { Outage } from "./platformHealth.ts";
import type { FaultKind, Stage } from "./faultTable.ts";

/** One change of what a client shows. `atMs` is on the clock of the suite, as everywhere here. */
export interface Sample {
  atMs: number;
  text: string;
  status: RunStatus;
  attempt: number;
  role: "driver" | "spectator";
}

/** What the model thought, with its place: the offset in the reply where it stands. */
export interface Thought {
  place: number;
  text: string;
}

export interface ClientEvidence {
  name: string;
  samples: Sample[];
  /** Each change of the thoughts that it shows. */
  reasonings: (readonly Thought[])[];
  /** Still there at the end, with nothing wrong any more, so that it has to show what everybody shows. */
  isOpenAtEnd: boolean;
}

/** A POST to /chat-stream. */
export interface PostEvidence {
  runToken: string;
  hasUnknownFields: boolean;
  /** It brought its message along. */
  carriesTurn: boolean;
  sentAtMs: number;
  /** When its head came; null: it has not. */
  answeredAtMs: number | null;
  /** It failed before its head came. */
  isOver: boolean;
  /** Null: no head came. */
  httpStatus: number | null;
  /** Of the `start` event; null if none came. */
  attempt: number | null;
  /** Units of the reply that this POST has brought, with what was there before. */
  liveLength: number;
  /** The last word of the stream. */
  last: "done" | "error" | null;
}

/** What a driver without events got to read. */
export interface PlainReading {
  text: string;
  /** Whole: the body ended as bodies do. Broken: it did not. Null: it has not ended. */
  end: "whole" | "broken" | "left" | "refused" | null;
}

/** A request that reached the model. */
export interface ModelRequestEvidence {
  wire: Wire;
  startedAtMs: number;
  /** When its connection was seen to be over; null while it is open. */
  closedAtMs: number | null;
  messages: Turn[];
  sentText: string;
  sentReasoning: string;
  /** When the last of its thoughts was seen to go out; null: none did. */
  thoughtUntilMs: number | null;
  wholeText: string;
  isContinuation: boolean;
  state: RequestState;
  overlap: number;
  /** Its connection was disturbed on the way, so not all that was sent has arrived. */
  isDisturbed: boolean;
}

export interface InjectedFault {
  kind: FaultKind;
  stage: Stage;
  atMs: number;
  /** When it was over. */
  endedAtMs: number;
}

/** What the database held at a moment, as a client without faults read it. */
export interface StoredSample {
  atMs: number;
  status: RunStatus;
  attempt: number;
  persistedLength: number;
}

export interface FinalState {
  status: RunStatus;
  error: { kind: string; message: string } | null;
  hasUsage: boolean;
  /** What `getChatBody` answers, and `getText`. */
  bodyText: string;
  storedText: string | null;
  thoughts: Thought[];
  /** Ids, from the reply's own parent up to the first message. */
  ancestors: string[];
  /** What was there before, as it is now. */
  earlier: EarlierMessage[];
  userMessages: number;
  replies: number;
}

/** A message that was there before the reply was asked for. */
export interface EarlierMessage {
  id: string;
  parentId: string | null;
  role: Turn["role"];
  text: string | null;
  /** Its status, usage and all else that is known of a reply, as JSON. */
  reply: string;
}

export interface Evidence {
  /** For the person who reads about a failure. */
  title: string;
  ask: string;
  /** The turns that the model is to be given, the person's last one included. */
  path: Turn[];
  /** Of the reply, as `FinalState` has them; null until they are known. */
  ancestors: string[] | null;
  earlier: EarlierMessage[];
  /** The text of an earlier version with which this reply begins; "" for one from the top. */
  base: string;
  /** Of its chat and reply; null where there was none. */
  ids: string[] | null;
  /** How many of each there are to be in the chats that this scenario made. */
  messages: { user: number; replies: number };
  /** How long the model would take to say everything, undisturbed. */
  workMs: number;
  injected: InjectedFault[];
  requests: ModelRequestEvidence[];
  clients: ClientEvidence[];
  posts: PostEvidence[];
  plainReadings: PlainReading[];
  stored: StoredSample[];
  /** When the deployment did not answer, without the suite's doing. */
  outages: Outage[];
  /** When the stop was asked for; null: never. */
  stopAskedAtMs: number | null;
  isDeleted: boolean;
  /** The person deleted the chat and took that back; whether that was done. Null: never. */
  undo: "wanted" | "done" | null;
  /** Stops and deletions that the server refused. */
  refusals: string[];
  /** When the run was seen to have ended; null: it had not when the suite gave up. */
  endedAtMs: number | null;
  /** Since when nothing was wrong any more, and the suite held nothing up. */
  quietSinceMs: number;
  /** Null for a deleted chat. */
  final: FinalState | null;
  /** Rows of the chat that are left, by table, after all that should remove them. */
  rowsLeft: Record<string, number>;
}
