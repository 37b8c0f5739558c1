/** The texts this tab has sent, by request id, so that its own messages are on the screen without a read. */
export const ownTexts = new Map<string, string>();
