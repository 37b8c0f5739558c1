/**
 * Brings the texts that reach one client over different ways into the one text it shows.
 *
 * Within an attempt every source carries a prefix of the same text, so the longest wins. Persisted text only ever
 * grows, across attempts too: a successor continues from it. What a dead attempt sent beyond it stays on screen until
 * the successor has covered it or differs; then one step replaces it. Offsets are UTF-16 code units.
 */

export interface ReplyText {
  readonly attempt: number;
  /** The text of this attempt as far as it is known, from its beginning. */
  readonly text: string;
  /** How much of `text` the database is known to hold. */
  readonly persistedLength: number;
  /** Text of an earlier attempt that begins with `text` and is longer: shown until it is covered. */
  readonly held: string | null;
}

/** A stretch of the reply with its place: a `text` event of the stream, or the tail row. */
export interface TextPiece {
  attempt: number;
  from: number;
  text: string;
  source: "live" | "persisted";
}

export interface MergeResult {
  state: ReplyText;
  /** `gap`: the piece does not join what is known, so the whole body must be read. `stale`: nothing new in it. */
  outcome: "merged" | "stale" | "gap";
}

export const emptyReplyText: ReplyText = { attempt: 0, text: "", persistedLength: 0, held: null };

/** What belongs on the screen. */
export function visibleText(state: ReplyText): string {
  return state.held ?? state.text;
}

export function mergePiece(state: ReplyText, piece: TextPiece): MergeResult {
  if (piece.attempt < state.attempt) return { state, outcome: "stale" };
  // Of an earlier attempt only the persisted part is certain to be the beginning of this one's text.
  const known = piece.attempt === state.attempt ? state.text : state.text.slice(0, state.persistedLength);
  if (piece.from > known.length || !agrees(known, piece)) return { state, outcome: "gap" };
  const end = piece.from + piece.text.length;
  const text = end > known.length ? known + piece.text.slice(known.length - piece.from) : known;
  const persistedLength =
    piece.source === "persisted" ? Math.max(end, state.persistedLength) : state.persistedLength;
  if (piece.attempt === state.attempt && text === state.text && persistedLength === state.persistedLength) {
    return { state, outcome: "stale" };
  }
  return {
    state: { attempt: piece.attempt, text, persistedLength, held: stillHeld(visibleText(state), text) },
    outcome: "merged",
  };
}

/**
 * Merges the whole persisted text of a reply that is still being written. It is a beginning of the truth, perhaps an
 * older one than is known already. `attempt` is the highest attempt heard of.
 */
export function mergeBody(state: ReplyText, body: string, attempt: number): ReplyText {
  if (state.text.startsWith(body)) {
    return body.length > state.persistedLength ? { ...state, persistedLength: body.length } : state;
  }
  return {
    attempt: Math.max(attempt, state.attempt),
    text: body,
    persistedLength: body.length,
    held: stillHeld(visibleText(state), body),
  };
}

/** The text of a reply that has ended is the persisted one, whatever was shown. */
export function settleText(state: ReplyText, body: string): ReplyText {
  return { attempt: state.attempt, text: body, persistedLength: body.length, held: null };
}

function agrees(known: string, piece: TextPiece): boolean {
  const overlap = Math.min(known.length - piece.from, piece.text.length);
  return known.startsWith(piece.text.slice(0, overlap), piece.from);
}

/** What was shown, for as long as `text` is a mere beginning of it; null once it is covered or differs. */
export function stillHeld(shown: string, text: string): string | null {
  return shown.length > text.length && shown.startsWith(text) ? shown : null;
}
