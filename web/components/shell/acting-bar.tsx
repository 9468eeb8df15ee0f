"use client";
import { useQuery } from "@tanstack/react-query";
import { Eye, PencilLine, TimerOff } from "lucide-react";
import { usePathname } from "next/navigation";
import { useEffect, useState, type ReactNode } from "react";
import { changed, pageIs, tellTabs } from "@/lib/acting";
import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { useStore } from "@/lib/store";
import { Button } from "../ui/button";
import { toast } from "../ui/toast";

type Me = Schema["MeView"];

/** How long "it is over" stands there before the page goes back. */
const LAST_WORDS = 4_000;

const home = (me: Me) => `/admin/users/${me.id}`;

/** Back to oneself, and to the member's page. */
export async function endActing(me: Me): Promise<void> {
  await unwrap(api.DELETE("/api/v1/me/impersonation"));
  tellTabs(null);
  location.assign(home(me));
}

function Frame({ icon, children, action, stale = false }: { icon: ReactNode; children: ReactNode; action?: ReactNode; stale?: boolean }) {
  return (
    <section
      aria-label="You act in somebody's place"
      data-slot="acting"
      data-stale={stale || undefined}
      className="sticky top-0 z-40 flex min-h-13 flex-wrap items-center gap-x-4 gap-y-1.5 border-b-4 border-accent bg-ink px-4 py-2 text-14 text-bg max-sm:px-3 [&_svg]:size-5 [&_svg]:shrink-0"
    >
      {icon}
      <div className="flex min-w-0 flex-1 flex-wrap items-baseline gap-x-3">{children}</div>
      {action}
    </section>
  );
}

const plain = "border border-bg/50 bg-transparent text-bg hover:bg-bg/12";

function useSecondsLeft(until: string): number {
  const left = () => Math.max(0, Math.round((new Date(until).getTime() - Date.now()) / 1000));
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    const timer = setInterval(() => setSeconds(left()), 1_000);
    return () => clearInterval(timer);
  });
  return seconds;
}

const inWords = (seconds: number) => (seconds > 60 ? `${Math.ceil(seconds / 60)} minutes left` : `${seconds} seconds left`);

function Bar({ me, acting }: { me: Me; acting: NonNullable<Me["acting"]> }) {
  const seconds = useSecondsLeft(acting.expires_at);
  const [ending, setEnding] = useState(false);
  const [heard, setHeard] = useState("");
  const reads = acting.mode === "read";
  useEffect(() => {
    if (seconds === 0) changed.set("over");
  }, [seconds]);
  // Asked on each page and now and then, so that an end from elsewhere is seen where nobody touches anything.
  const path = usePathname();
  useQuery({ queryKey: ["acting", path], queryFn: () => unwrap(api.GET("/api/v1/me")), refetchInterval: 20_000, retry: false });
  // What stands in a live region from the start is not read out: it comes a moment later, and again when little is left.
  const soon = seconds <= 60 ? "One minute left." : seconds <= 300 ? "Five minutes left." : "";
  useEffect(() => {
    const timer = setTimeout(() => setHeard(soon || `You see this place as ${me.display_name}. ${reads ? "You can look and change nothing." : "What you change is changed for them."}`), 500);
    return () => clearTimeout(timer);
  }, [soon, me.display_name, reads]);
  async function end(): Promise<void> {
    setEnding(true);
    try {
      await endActing(me);
    } catch {
      setEnding(false);
      toast("It has not ended: the server could not be reached.", { tone: "error" });
    }
  }
  return (
    <Frame
      icon={reads ? <Eye aria-hidden /> : <PencilLine aria-hidden />}
      action={
        <Button size="sm" className={plain} busy={ending} onClick={() => void end()}>
          End
        </Button>
      }
    >
      <span className="min-w-0 break-words">
        You see this place as <strong className="font-semibold">{me.display_name}</strong>
      </span>
      <span>{reads ? "Only looking" : "Changes are allowed"}</span>
      <span className="tabular-nums" suppressHydrationWarning>
        {inWords(seconds)}
      </span>
      <span role="status" className="sr-only">
        {heard}
      </span>
    </Frame>
  );
}

/** Says that it is over, lets it be read, and goes back. */
function Over({ me }: { me: Me }) {
  useEffect(() => {
    // The cookie goes with it; where it is gone already, nothing happens.
    const gone = api.DELETE("/api/v1/me/impersonation").catch(() => undefined);
    tellTabs(null);
    // Not before the answer: leaving the page would break the request off.
    const timer = setTimeout(() => void gone.then(() => location.assign(home(me))), LAST_WORDS);
    return () => clearTimeout(timer);
  }, [me]);
  return (
    <Frame
      stale
      icon={<TimerOff aria-hidden />}
      action={
        <Button asChild size="sm" className={plain}>
          <a href={home(me)}>Go back now</a>
        </Button>
      }
    >
      <span role="alert">
        Your time as <strong className="font-semibold">{me.display_name}</strong> is over. You are yourself again, and this page takes you back to theirs in the admin.
      </span>
    </Frame>
  );
}

function Elsewhere() {
  return (
    <Frame
      icon={<Eye aria-hidden />}
      action={
        <Button size="sm" className={plain} onClick={() => location.reload()}>
          Load again
        </Button>
      }
    >
      <span role="alert">In another tab, this browser acts in somebody else&apos;s place by now. Nothing more is done from this page; what you typed is still here to copy.</span>
    </Frame>
  );
}

/** On every page of whoever acts in a member's place: as whom, what is allowed, how long, and the way out. */
export function ActingBar({ me }: { me: Me }) {
  // As the page was loaded: what is asked later may find somebody else.
  const [then] = useState(me);
  const acting = then.acting ?? null;
  const state = useStore(changed, null);
  useEffect(() => pageIs(acting?.id ?? null), [acting?.id]);
  if (!acting) return state ? <Elsewhere /> : null;
  return state ? <Over me={then} /> : <Bar me={then} acting={acting} />;
}
