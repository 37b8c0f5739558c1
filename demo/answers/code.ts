/** Answers with a piece of code that runs. */
import type { Question } from "./answer.ts";

interface Sample {
  language: string;
  names: RegExp;
  intro: string;
  source: string;
  remark: string;
}

const samples: Sample[] = [
  {
    language: "ts",
    names: /\btypescript\b|\bts\b/i,
    intro: "Here is a small TypeScript function that groups a list by a key.",
    source: `export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, [item]);
    } else {
      group.push(item);
    }
  }
  return groups;
}

const byLength = groupBy(["duet", "trio", "solo", "quartet"], (word) => word.length);
console.log(byLength); // Map { 4 => ["duet", "trio", "solo"], 7 => ["quartet"] }`,
    remark:
      "The keys keep the order in which they were first seen, because a `Map` remembers insertion order.",
  },
  {
    language: "js",
    names: /\bjavascript\b|\bjs\b|\bnode\b/i,
    intro: "Here is a debounce in plain JavaScript.",
    source: `export function debounce(callback, waitMs) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => callback(...args), waitMs);
  };
}

const save = debounce((text) => console.log(\`saved \${text.length} characters\`), 300);
save("h");
save("he");
save("hello"); // only this one is saved`,
    remark: "Every call starts the wait again, so the callback runs once, after the last call.",
  },
  {
    language: "python",
    names: /\bpython\b/i,
    intro: "Here is a short Python program that counts the words of a text.",
    source: `from collections import Counter
import re


def most_common_words(text: str, n: int = 5) -> list[tuple[str, int]]:
    words = re.findall(r"[a-z']+", text.lower())
    return Counter(words).most_common(n)


if __name__ == "__main__":
    song = "row row row your boat gently down the stream"
    for word, count in most_common_words(song):
        print(f"{word:>8}  {'#' * count}")`,
    remark: "`Counter` does the counting in C, so this is quick even for a whole book.",
  },
  {
    language: "sql",
    names: /\bsql\b|\bquery\b.*\btable\b|\bpostgres\b|\bsqlite\b/i,
    intro: "Here is a query that finds the most active day of each month.",
    source: `WITH per_day AS (
  SELECT date(created_at) AS day, count(*) AS messages
  FROM messages
  GROUP BY day
)
SELECT strftime('%Y-%m', day) AS month, day, max(messages) AS messages
FROM per_day
GROUP BY month
ORDER BY month DESC;`,
    remark:
      "The bare `day` beside `max(messages)` is SQLite's own: it comes from the row that holds the maximum.",
  },
  {
    language: "bash",
    names: /\bbash\b|\bshell\b|\bcommand line\b/i,
    intro: "Here is a shell script that shows the ten largest files below a folder.",
    source: `#!/usr/bin/env bash
set -euo pipefail

folder="\${1:-.}"
find "$folder" -type f -printf '%s\\t%p\\n' | sort -rn | head -n 10 | numfmt --to=iec --field=1`,
    remark: "Call it with a folder, or without one for the folder you are in.",
  },
];

export function answerWithCode({ text, choice }: Question): string | null {
  const named = samples.find((sample) => sample.names.test(text));
  const asksForCode = /\b(?:code|function|program|script|snippet|implement|class|algorithm)\b/i.test(text);
  const asks = /\b(?:write|show|give|make|create|implement|need|example|how do|some|code)\b/i.test(text);
  if (!asks || (!asksForCode && named === undefined)) {
    return null;
  }
  const sample = named ?? choice.pick(samples.slice(0, 3));
  return [
    sample.intro,
    `\`\`\`${sample.language}\n${sample.source}\n\`\`\``,
    sample.remark,
    "It is one of the few samples that the demo model knows by heart, so it may not be the one you hoped for; a real model would write yours.",
  ].join("\n\n");
}
