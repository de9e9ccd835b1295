import { RuntimeError } from '../../errors/index.ts';

/** Kills `victim` when `signal` says so, at once if it has. Gives what ends that. */
export function endBy(signal: AbortSignal, victim: { kill(reason?: RuntimeError): void }): () => void {
  const kill = (): void => victim.kill(RuntimeError.is(signal.reason) ? signal.reason : undefined);
  if (signal.aborted) kill();
  else signal.addEventListener('abort', kill, { once: true });
  return () => signal.removeEventListener('abort', kill);
}
