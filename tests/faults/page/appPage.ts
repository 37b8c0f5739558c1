/** What of the app a page without a screen needs: bundled, and run once for each page with browser globals of its own. */
export { rememberContinued } from "../../../src/sending/continuedReplies.ts";
export { pendingSends } from "../../../src/sending/pendingSends.ts";
export { watchOutbox } from "../../../src/sending/resendOutbox.ts";
export { sendTurn } from "../../../src/sending/sendTurn.ts";
export { keepTextsAcrossReloads, replyStores } from "../../../src/streaming/replyStores.ts";
