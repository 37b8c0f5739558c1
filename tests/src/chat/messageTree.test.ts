import { array, assert, constantFrom, nat, property, record, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chooseVersion,
  forkOf,
  shownPath,
  type ChosenVersions,
  type TreeMessage,
} from "../../../src/chat/messageTree.ts";

/** Each message answers one of those before it, or none. */
const trees = array(nat(), { maxLength: 30 }).map((parents) =>
  parents.map((parent, index): TreeMessage => {
    const answered = parent % (index + 1);
    return { id: `m${index}`, parentId: answered === index ? null : `m${answered}` };
  }),
);

const ids = Array.from({ length: 10 }, (_, index) => `m${index}`);
const choices = array(tuple(constantFrom("root", ...ids), constantFrom(...ids)), { maxLength: 12 }).map(
  (pairs): ChosenVersions => new Map(pairs),
);

function shownIds(messages: readonly TreeMessage[], chosen: ChosenVersions = new Map()): string[] {
  return shownPath(messages, chosen).map(({ message }) => message.id);
}

/** "a<-b" is a message b that answers a; "a" answers none. */
function tree(...messages: string[]): TreeMessage[] {
  return messages.map((message) => {
    const [first = "", answering] = message.split("<-");
    return answering === undefined ? { id: first, parentId: null } : { id: answering, parentId: first };
  });
}

describe("the shown path", () => {
  test("of any tree, whatever was chosen, leads from a first message to a last one, each answering the one before", () => {
    assert(
      property(trees, choices, (messages, chosen) => {
        const path = shownPath(messages, chosen);
        expect(path.length > 0).toBe(messages.length > 0);
        let fork = "root";
        for (const { message, fork: place, versions } of path) {
          expect(forkOf(message)).toBe(fork);
          expect(place).toBe(fork);
          expect(versions).toEqual(messages.filter((other) => forkOf(other) === fork));
          expect(versions).toContain(message);
          fork = message.id;
        }
        expect(messages.filter((message) => forkOf(message) === fork && fork !== "root")).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  test("leads to the newest message where nothing was chosen", () => {
    assert(
      property(trees, (messages) => {
        expect(shownIds(messages)).toEqual(expect.arrayContaining(messages.slice(-1).map(({ id }) => id)));
      }),
      { numRuns: 2_000 },
    );
  });

  test("goes through every version that was chosen at a fork it comes to", () => {
    assert(
      property(trees, choices, (messages, chosen) => {
        for (const { message, fork, versions } of shownPath(messages, chosen)) {
          expect(message).toBe(versions.find(({ id }) => id === chosen.get(fork)) ?? message);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("of a list that begins in the middle of a chat begins where the newest message's path does", () => {
    assert(
      property(trees, nat({ max: 10 }), choices, (messages, cut, chosen) => {
        const listed = messages.slice(cut);
        const whole = shownIds(messages);
        const path = shownIds(listed);
        expect(path).toEqual(whole.filter((id) => path.includes(id)));
        expect(path).toEqual(listed.length === 0 ? [] : whole.slice(-path.length));
        expect(shownIds(listed, chosen).length > 0).toBe(listed.length > 0);
      }),
      { numRuns: 2_000 },
    );
  });

  test("shows a version that somebody asks for later, unless another one was chosen", () => {
    const before = tree("ask", "ask<-first");
    const after = [...before, ...tree("ask<-second")];
    expect(shownIds(before)).toEqual(["ask", "first"]);
    expect(shownIds(after)).toEqual(["ask", "second"]);
    expect(shownIds(after, new Map([["ask", "first"]]))).toEqual(["ask", "first"]);
  });

  test("goes where the chat goes on: to an older version that somebody answered last", () => {
    const messages = tree("ask", "ask<-first", "ask<-second", "first<-more", "more<-reply");
    expect(shownIds(messages)).toEqual(["ask", "first", "more", "reply"]);
  });

  test("is not led astray by a version that is gone", () => {
    expect(shownIds(tree("ask", "ask<-first"), new Map([["ask", "gone"]]))).toEqual(["ask", "first"]);
  });
});

describe("a choice", () => {
  const steps = array(record({ fork: nat({ max: 9 }), version: nat() }), { maxLength: 8 });

  test("shows the version, and changes nothing above it", () => {
    assert(
      property(trees, steps, (messages, script) => {
        let chosen: ChosenVersions = new Map();
        for (const step of script) {
          const path = shownPath(messages, chosen);
          const place = path[step.fork % Math.max(1, path.length)];
          if (place === undefined) return;
          const version = place.versions[step.version % place.versions.length] ?? place.message;
          const above = shownIds(messages, chosen).slice(0, path.indexOf(place));
          chosen = chooseVersion(messages, chosen, version);
          expect(shownIds(messages, chosen).slice(0, above.length + 1)).toEqual([...above, version.id]);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("of the version on the way to the newest message is none: what comes later is followed again", () => {
    const messages = tree("ask", "ask<-first", "ask<-second");
    const [, first, second] = messages;
    const older = chooseVersion(messages, new Map(), first ?? { id: "", parentId: null });
    expect(older).toEqual(new Map([["ask", "first"]]));
    expect(chooseVersion(messages, older, second ?? { id: "", parentId: null })).toEqual(new Map());
  });
});
