/** Poems, lists and tables. */
import type { Question } from "./answer.ts";
import { capitalised } from "./topic.ts";

const planets = [
  ["Mercury", "0.39", "88 days", "0"],
  ["Venus", "0.72", "225 days", "0"],
  ["Earth", "1.00", "365 days", "1"],
  ["Mars", "1.52", "687 days", "2"],
  ["Jupiter", "5.20", "11.9 years", "97"],
  ["Saturn", "9.54", "29.4 years", "274"],
  ["Uranus", "19.2", "84 years", "28"],
  ["Neptune", "30.1", "165 years", "16"],
];

export function answerWithTable({ text, topic, choice }: Question): string | null {
  if (!/\btable\b/i.test(text)) {
    return null;
  }
  if (/\bplanet/i.test(text)) {
    return `Here are the eight planets, from the Sun outwards:\n\n${table(["Planet", "Distance (AU)", "Year", "Moons"], planets)}\n\nOne astronomical unit (AU) is the mean distance of the Earth from the Sun. The count of moons still grows.`;
  }
  const rows = choice
    .shuffle(["Cost", "Speed", "Effort to learn", "Upkeep", "Reach", "Room to grow"])
    .slice(0, 4)
    .map((aspect) => [aspect, choice.pick(["low", "moderate", "high"]), choice.pick(remarks)]);
  return `Here is a table about ${topic}, with aspects that people often weigh:\n\n${table(["Aspect", "Usually", "Remark"], rows)}\n\nThe figures are the demo model's own invention; the layout is real.`;
}

const remarks = [
  "depends on the scale",
  "gets better with practice",
  "worth measuring first",
  "often overlooked",
  "differs by season",
];

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const haikus = [
  ["Still water at dawn", "a single leaf comes to rest", "and the rings go on"],
  ["Between two heartbeats", "the whole of the evening sky", "fits in a window"],
  ["Rain on the tin roof", "each drop says the same one word", "and none of them tires"],
];

export function answerWithPoem({ text, topic, choice }: Question): string | null {
  if (/\bhaiku\b/i.test(text)) {
    return lines(choice.pick(haikus));
  }
  if (!/\b(?:poem|verse|poetry|sonnet|song|lyrics|rhyme)\b/i.test(text)) {
    return null;
  }
  const subject = topic === "this" ? "the quiet hour" : topic;
  const first = [`I thought of ${subject} at the end of the day,`, ...evening];
  return [
    `**${capitalised(subject)}**`,
    lines(first),
    ...choice.shuffle(stanzas).slice(0, 2).map(lines),
  ].join("\n\n");
}

const evening = [
  "when the light had grown long and the street fell asleep,",
  "and the words that I had were all hurrying away",
  "to the few simple things that a person can keep.",
];

const stanzas = [
  [
    "There is room in a line for the salt and the sand,",
    "for a door left ajar and a lamp left to burn,",
    "for a letter that waits in an unhurried hand",
    "and the sound on the stairs of a friend's late return.",
  ],
  [
    "So the river runs on, and the bridge lets it go,",
    "and the stones in the shallows are patient and bright;",
    "what I wanted to say, you already may know:",
    "it was here all along, it was here in plain sight.",
  ],
  [
    "Let the clock on the wall count whatever it will,",
    "let the wind turn the pages it cannot yet read;",
    "there is time in the garden for things to be still,",
    "there is all of a summer asleep in a seed.",
  ],
];

function lines(stanza: string[]): string {
  return stanza.join("  \n");
}

export function answerWithList({ text, topic, choice }: Question): string | null {
  if (!/\b(?:list|ideas|tips|steps|reasons|ways|bullet|suggestions|examples)\b/i.test(text)) {
    return null;
  }
  const wanted = Math.min(Math.max(Number(/\b(\d{1,2})\b/.exec(text)?.[1] ?? 5), 1), advice.length);
  const items = choice.shuffle(advice).slice(0, wanted);
  const subject = topic === "this" ? "your plan" : topic;
  return `Here ${wanted === 1 ? "is one idea" : `are ${wanted} ideas`} about ${subject}:\n\n${items
    .map(([head, rest], index) => `${index + 1}. **${head}.** ${rest}`)
    .join("\n")}\n\nShall I say more about one of them? Tell me its number.`;
}

const advice: [string, string][] = [
  ["Start small", "A first version that works teaches more than a plan that is complete."],
  ["Write down what you expect", "Then you will notice when something else happens."],
  ["Ask somebody who has done it", "Ten minutes of their memory save a week of yours."],
  ["Set a date", "Work without an end tends to find none."],
  ["Measure once a week", "Daily numbers are noise, monthly ones come too late."],
  ["Keep the old way for a while", "It costs little and lets you compare."],
  ["Change one thing at a time", "Otherwise you will never know which one helped."],
  ["Make it easy to undo", "People try more when a mistake is cheap."],
  ["Take a break on purpose", "The good idea usually arrives on the walk."],
  ["Tell others early", "Their questions find the gaps before you fall into them."],
  ["Leave something out", "What nobody misses was never needed."],
  ["Celebrate the boring success", "The thing that simply works deserves it most."],
];
