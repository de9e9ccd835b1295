import { type LineSink, lineSink } from '../wasi/index.ts';
import type { ApplicationEvent, StartOptions } from './port.ts';

/** Makes an event of each line that is written. */
export function outputLines({ onEvent, pace }: StartOptions, event: ApplicationEvent): LineSink {
  const sink = lineSink((text) => onEvent({ ...event, text }));
  return {
    write: (bytes) => {
      void sink.write(bytes);
      return pace?.();
    },
    end: () => sink.end(),
  };
}
