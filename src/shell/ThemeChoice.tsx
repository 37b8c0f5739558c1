/** Three small switches: the system's theme, light, dark. */
import { Icon, type IconName } from "../ui/Icon.tsx";
import { useTheme, type Theme } from "./useTheme.ts";

const choices: { theme: Theme; icon: IconName; label: string }[] = [
  { theme: "system", icon: "display", label: "As the system" },
  { theme: "light", icon: "sun", label: "Light" },
  { theme: "dark", icon: "moon", label: "Dark" },
];

export function ThemeChoice() {
  const { theme, choose } = useTheme();
  return (
    <fieldset className="inline-flex gap-0.5 rounded-lg bg-muted p-0.5">
      <legend className="sr-only">Theme</legend>
      {choices.map((choice) => (
        <label
          key={choice.theme}
          title={choice.label}
          className="relative inline-flex h-7 w-8 cursor-pointer items-center justify-center rounded-md text-muted-foreground transition-colors hover:text-foreground has-checked:bg-raised has-checked:text-foreground has-checked:shadow-xs has-focus-visible:outline-2 has-focus-visible:outline-primary"
        >
          <input
            type="radio"
            name="theme"
            className="absolute inset-0 cursor-pointer opacity-0"
            aria-label={choice.label}
            checked={theme === choice.theme}
            onChange={() => choose(choice.theme)}
          />
          <Icon name={choice.icon} size={15} />
        </label>
      ))}
    </fieldset>
  );
}
