import { Command } from 'commander';
import type { ActorInfo, HealthTrouble } from '../../api/index.ts';
import { connectControl } from '../../client/index.ts';
import type { CliContext } from '../context.ts';
import { troubleText } from '../health-text.ts';
import { withApplication, withExamples, withOutput } from '../options.ts';
import type { OutputFormat } from '../report-error.ts';
import { count, humanDuration, sanitizeLine, toJson, writeLine } from '../text.ts';

interface PsOptions {
  readonly app: string;
  readonly output: OutputFormat;
}

/** What no state of an actor shows. */
const STUCK: ReadonlySet<HealthTrouble['kind']> = new Set<HealthTrouble['kind']>([
  'event-loop',
  'handler',
  'start',
  'stop',
  'mailbox',
]);

/** Lines about actors that are not well. */
const TROUBLES_MAX = 20;

/** `troupe ps`: the actors of a running application. */
export function psCommand(context: CliContext): Command {
  const command = new Command('ps').summary('list the actors of a running application');
  command.description(
    [
      'Lists the actors of a running application, with their states and counters, what is wrong with them, and its HTTP routes.',
      'DEAD: messages that nobody handled. OLDEST: how long the first message waits. BUSY: how long it has waited in one message. Of routes, SHED: sent away because too many came; LEFT: given up by their clients.',
    ].join('\n\n'),
  );
  withOutput(withApplication(command));
  withExamples(command, [
    ['troupe ps', 'the application of this folder'],
    ['troupe ps --app examples/birdstrikes', 'the application of another folder'],
    ['troupe ps --output json', 'for scripts'],
  ]);
  return command.action(async (options: PsOptions) => {
    const { stdout, interrupts, clock } = context;
    const client = await connectControl({ dir: options.app });
    const application = await client.application(interrupts.signal);
    const actors = await client.actors(interrupts.signal);
    if (options.output === 'json') {
      writeLine(stdout, toJson({ application, actors }));
      return;
    }
    const uptime = humanDuration(Math.max(0, clock.wallMs() - application.startedAtMs));
    const name = sanitizeLine(application.name);
    writeLine(stdout, `${name}: ${count(actors.length, 'actor')}, process ${application.pid}, up ${uptime}`);
    const { renderActors } = await import('../actor-table.ts');
    writeLine(stdout, renderActors(stdout, actors));
    const { reasons } = await client.health(interrupts.signal);
    const stuck = reasons.filter(({ kind }) => STUCK.has(kind)).map(troubleText);
    const troubles = [...stuck, ...actors.flatMap((actor) => troubleOf(actor, clock.wallMs()))];
    if (troubles.length > 0) writeLine(stdout, `\n${troubles.slice(0, TROUBLES_MAX).join('\n')}`);
    if (troubles.length > TROUBLES_MAX) writeLine(stdout, `and ${troubles.length - TROUBLES_MAX} more`);
    if (application.ingress === undefined) return;
    const { renderRoutes } = await import('../http-table.ts');
    writeLine(stdout, `\n${renderRoutes(stdout, application.ingress, actors)}`);
  });
}

/** What a person would want to know of an actor that is not well. */
function troubleOf({ name, state, condition, lastFailure }: ActorInfo, wallMs: number): string[] {
  const who = sanitizeLine(name);
  const says =
    condition === undefined
      ? []
      : [`${who} is ${condition.status} for ${humanDuration(condition.forMs)}: ${sanitizeLine(condition.text)}`];
  if (lastFailure === undefined || state === 'running') return says;
  const ago = humanDuration(Math.max(0, wallMs - lastFailure.atMs));
  return [...says, `${who} is ${state}; ${ago} ago: ${lastFailure.code}: ${sanitizeLine(lastFailure.message)}`];
}
