/** How long a message may be; the app says so before it sends, the server in any case. */

/** UTF-16 units of one user message. */
export const maxPromptLength = 200_000;

export function describeTooLong(length: number): string {
  return `The message has ${length} characters; at most ${maxPromptLength} can be sent. Shorten it.`;
}
