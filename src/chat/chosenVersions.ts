/** Which versions a person chose to see in this tab; kept in `sessionStorage`, so that a reload shows them again. */
import type { ChosenVersions } from "./messageTree.ts";

const noneChosen: ChosenVersions = new Map();

class VersionChoices {
  private readonly chats = new Map<string, ChosenVersions>();
  private readonly listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The same map until something is chosen. */
  of(chatId: string | null): ChosenVersions {
    if (chatId === null) return noneChosen;
    const known = this.chats.get(chatId);
    if (known !== undefined) return known;
    const chosen = read(chatId);
    this.chats.set(chatId, chosen);
    return chosen;
  }

  set(chatId: string, chosen: ChosenVersions): void {
    this.chats.set(chatId, chosen);
    write(chatId, chosen);
    for (const listener of this.listeners) listener();
  }
}

export const chosenVersions = new VersionChoices();

function storageKey(chatId: string): string {
  return `duet.versions.${chatId}`;
}

function read(chatId: string): ChosenVersions {
  try {
    const written: unknown = JSON.parse(sessionStorage.getItem(storageKey(chatId)) ?? "[]");
    return new Map(Array.isArray(written) ? written.filter(isChoice) : []);
  } catch {
    // Forbidden storage or a foreign value: nothing is chosen, and the newest versions are shown.
    return noneChosen;
  }
}

function write(chatId: string, chosen: ChosenVersions): void {
  try {
    if (chosen.size === 0) sessionStorage.removeItem(storageKey(chatId));
    else sessionStorage.setItem(storageKey(chatId), JSON.stringify([...chosen]));
  } catch {
    // Forbidden or full: the choice lives as long as the page.
  }
}

function isChoice(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "string");
}
