import { cn } from "@/lib/cn";

type Scene = "porch" | "letter" | "people" | "lost" | "quiet";

const line = { fill: "none", strokeWidth: 1.5, strokeLinecap: "round", strokeLinejoin: "round" } as const;

/** One terracotta thing in each drawing: the thing that is waited for. */
const things: Record<Scene, React.ReactNode> = {
  porch: <circle cx="80" cy="52" r="9" className="fill-accent" />,
  letter: (
    <g>
      <rect x="64" y="62" width="32" height="22" rx="2" className="fill-accent" />
      <path d="m65 64 15 11 15-11" {...line} className="stroke-bg" />
    </g>
  ),
  people: (
    <g className="fill-accent">
      <circle cx="80" cy="60" r="7" />
      <path d="M66 90a14 14 0 0 1 28 0z" />
    </g>
  ),
  lost: <path d="M80 44v34M80 88v2" {...line} strokeWidth={6} className="stroke-accent" />,
  quiet: <path d="M60 90c6-14 12-14 20-4s14 8 20-4" {...line} strokeWidth={2.5} className="stroke-accent" />,
};

/** A line drawing of three arches, in the colours of the theme. */
export function ArchArt({ scene = "porch", className }: { scene?: Scene; className?: string }) {
  return (
    <svg viewBox="0 0 160 104" aria-hidden className={cn("h-26 w-40", className)}>
      <g {...line} className="stroke-control">
        <path d="M4 98h152" />
        <path d="M50 98V50a30 30 0 0 1 60 0v48" />
        <path d="M56 98V50a24 24 0 0 1 48 0v48" opacity=".55" />
        <path d="M12 98V66a16 16 0 0 1 32 0v32M116 98V66a16 16 0 0 1 32 0v32" opacity=".7" />
        <path d="M17 98V66a11 11 0 0 1 22 0v32M121 98V66a11 11 0 0 1 22 0v32" opacity=".4" />
      </g>
      {things[scene]}
    </svg>
  );
}

/** The arcade of the sign-in page and the landing page: daylight through arches over the sea. */
export function Arcade({ className }: { className?: string }) {
  const arch = (x: number, w: number, top: number) => `M${x} 640V${top + w / 2}a${w / 2} ${w / 2} 0 0 1 ${w} 0V640z`;
  return (
    <svg viewBox="0 150 560 490" preserveAspectRatio="xMidYMax slice" aria-hidden className={cn("block", className)}>
      <defs>
        <clipPath id="arcade-openings">
          <path d={`${arch(40, 140, 250)} ${arch(210, 140, 250)} ${arch(380, 140, 250)}`} />
        </clipPath>
      </defs>
      <rect width="560" height="640" className="fill-raised" />
      <g clipPath="url(#arcade-openings)">
        <rect width="560" height="640" className="fill-surface" />
        <circle cx="280" cy="446" r="40" className="fill-accent" />
        <rect y="452" width="560" height="120" className="fill-surface" />
        <rect y="452" width="560" height="120" className="fill-primary" opacity=".85" />
        <path d="M0 478h560M40 500h480M0 524h560" strokeWidth="1.5" className="stroke-on-primary" opacity=".28" />
        <rect y="560" width="560" height="80" className="fill-raised" />
        <path d="M0 560h560M-40 640 130 560M130 640l95-80M280 640v-80M430 640l-95-80M600 640 430 560" {...line} className="stroke-control" opacity=".45" />
      </g>
      <g {...line} className="stroke-control">
        {[40, 210, 380].map((x) => (
          <g key={x}>
            <path d={`M${x} 640V320a70 70 0 0 1 140 0V640`} />
            <path d={`M${x - 9} 640V320a79 79 0 0 1 158 0V640`} opacity=".5" />
            <path d={`M${x - 12} 330h14M${x + 138} 330h14`} opacity=".7" />
          </g>
        ))}
        <path d="M0 214h560M0 204h560" opacity=".6" />
      </g>
    </svg>
  );
}
