import type { ApplicationInfo } from '../../api/index.ts';
import type { ConfigNotice } from '../../config/index.ts';
import type { CliContext } from '../context.ts';
import { toJson, writeLine } from '../text.ts';
import type { ShownEvent } from './event-limiter.ts';
import type { Addresses, Frame, Reporter } from './reporter.ts';

/** For programs: one JSON object a line on standard output, each with `type` and `atMs` (since 1970). */
export class JsonReporter implements Reporter {
  readonly #context: CliContext;
  #latest: Frame | undefined;
  #view: string | undefined;

  constructor(context: CliContext) {
    this.#context = context;
  }

  notice(notice: ConfigNotice): void {
    this.#write('notice', notice);
  }

  event({ type, ...rest }: ShownEvent): void {
    this.#write(type, rest);
  }

  started(application: ApplicationInfo, { control, monitoring }: Addresses): void {
    this.#write('running', { application, ...(control && { control }), ...(monitoring && { monitoring }) });
  }

  frame(frame: Frame): void {
    this.#latest = frame;
    // Nobody has read the last one yet: a later one says more.
    if (this.#context.stdout.writableNeedDrain !== true) this.#writeView(frame);
  }

  stopping(): void {
    this.#write('stopping', {});
  }

  end(): void {
    if (this.#latest !== undefined) this.#writeView(this.#latest);
    this.#write('ended', { actors: this.#latest?.actors ?? [] });
  }

  #writeView({ view }: Frame): void {
    const text = view !== undefined && 'text' in view ? view.text : undefined;
    if (text === undefined || text === this.#view) return;
    this.#view = text;
    this.#write('view', { text });
  }

  #write(type: string, fields: object): void {
    writeLine(this.#context.stdout, toJson({ type, atMs: this.#context.clock.wallMs(), ...fields }, 'line'));
  }
}
