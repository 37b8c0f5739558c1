/** Duet's mark: two voices, one a little ahead of the other. */
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32" className="shrink-0">
      <circle cx="12" cy="13" r="9" className="fill-primary" />
      <circle cx="20" cy="19" r="9" className="fill-voice mix-blend-multiply dark:mix-blend-screen" />
    </svg>
  );
}
