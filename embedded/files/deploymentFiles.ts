/** What the edge asks of file storage: who may upload, where a file's bytes are, and to take received bytes in. */
import type { ComponentPath } from "../protocol/deployedCode.ts";
import type { Transactions } from "../transaction/transactions.ts";
import { findFileByUuid, type StoredFile } from "./fileRows.ts";
import type { ReceivedFile } from "./fileStore.ts";
import type { StorageServices } from "./storageSyscalls.ts";
import { componentOfUploadToken } from "./uploadTokens.ts";

export class DeploymentFiles {
  readonly #storage: StorageServices;
  readonly #transactions: Transactions;

  constructor(storage: StorageServices, transactions: Transactions) {
    this.#storage = storage;
    this.#transactions = transactions;
  }

  /** @throws DeploymentError when the token of the upload URL is not ours, or too old. */
  componentOfUpload(token: string): ComponentPath {
    return componentOfUploadToken(this.#storage.secrets, token, this.#storage.nowMs());
  }

  /** @returns the id of its document. */
  store(file: ReceivedFile): Promise<string> {
    return this.#storage.store.store(file);
  }

  find(componentPath: ComponentPath, uuid: string): StoredFile | null {
    return this.#transactions.read((transaction) => findFileByUuid(transaction, componentPath, uuid));
  }

  /** See `FileStore.holdDeletions`. */
  holdDeletions(): () => void {
    return this.#storage.store.holdDeletions();
  }
}
