import type { ActorInfo, ActorState } from '../api/index.ts';
import type { OutputStream } from './context.ts';
import { type Column, renderTable } from './table.ts';
import { humanDuration, humanSize, paint, sanitizeLine } from './text.ts';

const COLUMNS: readonly Column[] = [
  { title: 'ACTOR' },
  { title: 'TYPE', dropFirst: 1 },
  { title: 'STATE' },
  { title: 'WHERE', dropFirst: 0 },
  { title: 'QUEUED', align: 'right', dropFirst: 5 },
  { title: 'HANDLED', align: 'right' },
  { title: 'FAILED', align: 'right', dropFirst: 6 },
  { title: 'RESTARTS', align: 'right' },
  { title: 'DEAD', align: 'right', dropFirst: 4 },
  { title: 'OLDEST', align: 'right', dropFirst: 7 },
  { title: 'BUSY', align: 'right', dropFirst: 8 },
  { title: 'MEMORY', align: 'right', dropFirst: 3 },
  { title: 'LIMITED', align: 'right', dropFirst: 1 },
  { title: 'UPTIME', align: 'right', dropFirst: 2 },
];

const COLOURS: Readonly<Record<ActorState, 'green' | 'yellow' | 'red' | 'gray'>> = {
  starting: 'yellow',
  running: 'green',
  restarting: 'yellow',
  quarantined: 'red',
  stopped: 'gray',
  completed: 'gray',
  failed: 'red',
};

/** The table that `ps` and the live view show. */
export function renderActors(stream: OutputStream, actors: readonly ActorInfo[]): string {
  return renderTable(
    stream,
    COLUMNS,
    actors.map((actor) => [
      sanitizeLine(actor.name),
      actor.type,
      paint(stream, COLOURS[actor.state] ?? 'gray', sanitizeLine(actor.state)),
      actor.worker === undefined ? 'main' : sanitizeLine(actor.worker),
      `${actor.queued}/${actor.capacity}`,
      grouped(actor.handled),
      grouped(actor.failed),
      grouped(actor.restarts),
      grouped(actor.deadLetters),
      since(actor.oldestMs),
      since(actor.handlingMs),
      actor.memoryBytes === undefined ? '-' : humanSize(actor.memoryBytes),
      limited(actor),
      humanDuration(actor.uptimeMs),
    ]),
  );
}

/** A second at least: less is no news. */
function since(ms: number | undefined): string {
  return ms === undefined || ms < 1_000 ? '-' : humanDuration(ms);
}

/** How often it ran into any of its limits. */
function limited({ limits = {} }: ActorInfo): string {
  const breaches = Object.values(limits).reduce((sum, limit) => sum + limit.breaches, 0);
  return breaches === 0 ? '-' : grouped(breaches);
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
