/** Sorts chats under the headings a person thinks in: today, yesterday, the last week, earlier. */

export interface ChatGroup<Chat> {
  heading: string;
  chats: Chat[];
}

/** Keeps the order within each group; groups without chats are left out. Days are those of the given clock's zone. */
export function groupByDay<Chat extends { updatedAt: number }>(
  chats: readonly Chat[],
  today: Date,
): ChatGroup<Chat>[] {
  const daysAgo = (days: number) =>
    new Date(today.getFullYear(), today.getMonth(), today.getDate() - days).getTime();
  const boundaries = [
    { heading: "Today", from: daysAgo(0) },
    { heading: "Yesterday", from: daysAgo(1) },
    { heading: "Last 7 days", from: daysAgo(7) },
    { heading: "Earlier", from: Number.NEGATIVE_INFINITY },
  ];
  const groups = boundaries.map(({ heading }): ChatGroup<Chat> => ({ heading, chats: [] }));
  for (const chat of chats) {
    const place = boundaries.findIndex(({ from }) => chat.updatedAt >= from);
    groups[place]?.chats.push(chat);
  }
  return groups.filter((group) => group.chats.length > 0);
}
