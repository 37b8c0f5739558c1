/** Splits the text of a `text/event-stream` body into events; knows nothing of what the events mean. */

export interface SseMessage {
  /** The `event:` field; "message" where it is absent. */
  event: string;
  data: string;
}

export interface SseParser {
  /** Takes the next piece of decoded text, cut anywhere, and returns the events that it completed. */
  push(chunk: string): SseMessage[];
}

const BYTE_ORDER_MARK = "\uFEFF";

/**
 * A parser for one body, after https://html.spec.whatwg.org/multipage/server-sent-events.html.
 * Lines may end in CR, LF or CRLF, also when a chunk ends between the two; an event without data is dropped. Ids are
 * passed over: they serve a reader that asks the server to resume, and this one resumes from the database.
 */
export function createSseParser(): SseParser {
  let rest = "";
  let atStart = true;
  let skipNextLineFeed = false;
  let event = "";
  let data: string[] = [];

  function takeField(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon === -1 ? line : line.slice(0, colon);
    const raw = colon === -1 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (name === "event") event = value;
    else if (name === "data") data.push(value);
  }

  function takeLine(line: string, messages: SseMessage[]): void {
    if (line !== "") {
      takeField(line);
      return;
    }
    if (data.length > 0) messages.push({ event: event || "message", data: data.join("\n") });
    event = "";
    data = [];
  }

  return {
    push(chunk) {
      const messages: SseMessage[] = [];
      let text = chunk;
      if (text === "") return messages;
      if (atStart) {
        atStart = false;
        if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
      }
      if (skipNextLineFeed && text.startsWith("\n")) text = text.slice(1);
      skipNextLineFeed = false;
      text = rest + text;
      let lineStart = 0;
      for (let at = rest.length; at < text.length; at += 1) {
        const character = text[at];
        if (character !== "\n" && character !== "\r") continue;
        takeLine(text.slice(lineStart, at), messages);
        if (character === "\r") {
          if (at + 1 === text.length) skipNextLineFeed = true;
          else if (text[at + 1] === "\n") at += 1;
        }
        lineStart = at + 1;
      }
      rest = text.slice(lineStart);
      return messages;
    },
  };
}
