import type { RuntimeError } from '../../errors/index.ts';
import type { CompiledExport, ExportedFunction } from './compiled.ts';

/** One call of an exported function. */
export interface Call {
  readonly func: ExportedFunction;
  readonly args: readonly unknown[];
}

/**
 * Where a pump takes its calls from and where the results go. All three run while the guest's stack is below them:
 * they must not call the instance, and what they throw ends it.
 */
export interface CallSource {
  /** The next call, or undefined to end the turn. */
  next(): Call | undefined;
  /** The call taken last has returned `result`. */
  done(result: unknown): void;
  /** The arguments of the call taken last do not fit its type; the guest never saw it, and the turn goes on. */
  invalid(error: RuntimeError): void;
}

/** The calls of one turn, handed out by the core module that they are for. */
export class Turn {
  readonly source: CallSource;
  /** A call that was taken and is for another module than the pump that runs. */
  private stashed: Call | undefined;

  constructor(source: CallSource) {
    this.source = source;
    this.stashed = undefined;
  }

  /** The next call, which stays to be taken. */
  peek(): Call | undefined {
    this.stashed ??= this.source.next();
    return this.stashed;
  }

  /** The next call, if it is for core module `step`. */
  take(step: number): Call | undefined {
    const call = this.stashed ?? this.source.next();
    this.stashed = undefined;
    if (call === undefined || (call.func as CompiledExport).step === step) return call;
    this.stashed = call;
    return undefined;
  }
}

/** A turn of one call. */
export class SingleCall implements CallSource {
  private result: unknown;
  private error: RuntimeError | undefined;
  private call: Call | undefined;

  constructor(call: Call) {
    this.call = call;
  }

  next(): Call | undefined {
    const { call } = this;
    this.call = undefined;
    return call;
  }

  done(result: unknown): void {
    this.result = result;
  }

  invalid(error: RuntimeError): void {
    this.error = error;
  }

  /** The call's result, when the turn is over; throws if the arguments did not fit. */
  outcome(): unknown {
    if (this.error !== undefined) throw this.error;
    return this.result;
  }

  /** The same as a promise. */
  answer(): Promise<unknown> {
    return this.error === undefined ? Promise.resolve(this.result) : Promise.reject(this.error);
  }
}
