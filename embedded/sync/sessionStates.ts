/**
 * The states of a sync session, and what a message of the client does in each.
 *
 *   awaitingConnect --Connect--> ready --Authenticate--> authenticating --authenticated--> ready
 *                                                        authenticating --refused--> closed (AuthError)
 *   ready --a call or a change after the token has expired--> closed (AuthError)
 *   any --socketClosed--> closed;  a message out of turn --> closed (FatalError);  too many actions --> closed
 */
import type { SyncClientMessage } from "../protocol/syncMessages.ts";

export type SessionState = "awaitingConnect" | "ready" | "authenticating" | "closed";
export type MessageType = SyncClientMessage["type"];
type Reaction = "take" | "wait" | "ignore" | "violation";

export const reactions: Record<SessionState, Record<MessageType, Reaction>> = {
  awaitingConnect: {
    Connect: "take",
    Authenticate: "violation",
    ModifyQuerySet: "violation",
    Mutation: "violation",
    Action: "violation",
    Event: "ignore",
  },
  ready: {
    Connect: "violation",
    Authenticate: "take",
    ModifyQuerySet: "take",
    Mutation: "take",
    Action: "take",
    Event: "ignore",
  },
  authenticating: {
    Connect: "violation",
    Authenticate: "wait",
    ModifyQuerySet: "wait",
    Mutation: "wait",
    Action: "wait",
    Event: "ignore",
  },
  closed: {
    Connect: "ignore",
    Authenticate: "ignore",
    ModifyQuerySet: "ignore",
    Mutation: "ignore",
    Action: "ignore",
    Event: "ignore",
  },
};
