import type { CliContext } from './context.ts';

/** What ends sooner needs no sign of life. */
const SHOWN_AFTER_MS = 300;

/** Work, or what begins it and is given what says how far it is. */
type Work<Result> = Promise<Result> | ((tell: (text: string) => void) => Promise<Result>);

/** Waits for work; when it takes its time, shows on a terminal's standard error that it goes on. */
export async function withProgress<Result>(context: CliContext, text: string, given: Work<Result>): Promise<Result> {
  const { stderr, clock, interrupts } = context;
  let told = (_text: string): void => undefined;
  const work = typeof given === 'function' ? given((now) => told(now)) : given;
  if (!stderr.isTTY) return work;
  // Whoever waits for it does so below; that it fails meanwhile is no accident of its own.
  work.catch(() => undefined);
  const { default: yoctoSpinner } = await import('yocto-spinner');
  const spinner = yoctoSpinner({ text, stream: stderr as NodeJS.WriteStream, handleSignals: false });
  told = (now) => {
    spinner.text = now;
  };
  const timer = clock.after(SHOWN_AFTER_MS, () => spinner.start());
  // The spinner hides the cursor; a sudden end must bring it back.
  const forget = interrupts.onExit(() => spinner.stop());
  try {
    return await work;
  } finally {
    timer.cancel();
    spinner.stop();
    forget();
  }
}
