import { type Err, type Eventually, err, type Guest, ok, type Result, trap } from '../guest/index.ts';
import { Pollable, type Readiness } from '../io/index.ts';

const TAKEN: Err<undefined> = Object.freeze(err(undefined));

/**
 * A value that comes later and can be taken once: what `future-trailers` and `future-incoming-response` have in common.
 * `Value` is what comes, `Given` what the guest gets for it.
 */
export abstract class Future<Value, Given> implements Readiness {
  protected readonly guest: Guest;
  private readonly watchers = new Set<() => void>();
  private state: 'waiting' | 'settled' | 'taken' = 'waiting';
  private value: Value | undefined;
  private pollables = 0;

  constructor(guest: Guest) {
    guest.hold();
    this.guest = guest;
  }

  /** Somebody wants the value. */
  protected abstract begin(): void;

  /** Makes what the guest gets, when it takes the value. */
  protected abstract give(value: Value): Given;

  /** The guest has let go of the future; the value, if it came, was not taken. */
  protected abstract abandon(value: Value | undefined): void;

  protected settle(value: Value): void {
    if (this.state !== 'waiting') return;
    this.state = 'settled';
    this.value = value;
    for (const wake of [...this.watchers]) wake();
  }

  ready(): boolean {
    return this.state !== 'waiting';
  }

  watch(wake: () => void): () => void {
    this.watchers.add(wake);
    return () => this.watchers.delete(wake);
  }

  /** None while the value is not there, then once the value, then an error. */
  get(): Eventually<Result<Given, undefined> | undefined> {
    this.begin();
    return this.ready() ? this.take() : this.guest.notYet(() => this.take());
  }

  subscribe(): Pollable {
    this.begin();
    const onDrop = () => {
      this.pollables -= 1;
    };
    const pollable = new Pollable({ guest: this.guest, source: this, onDrop });
    this.pollables += 1;
    return pollable;
  }

  drop(): void {
    this.guest.release();
    const { value } = this;
    this.value = undefined;
    if (this.state !== 'taken') this.abandon(value);
    this.state = 'taken';
    if (this.pollables > 0 && !this.guest.disposed) trap('Cannot drop the future: a pollable made from it still lives');
  }

  private take(): Result<Given, undefined> | undefined {
    if (this.state === 'waiting') return undefined;
    if (this.state === 'taken') return TAKEN;
    const value = this.value as Value;
    this.state = 'taken';
    this.value = undefined;
    return ok(this.give(value));
  }
}
