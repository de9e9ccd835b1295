import { type ActorRef, type ActorSystem, arrivals, type Topics } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { Registry } from '../registry/index.ts';
import type { Clock } from '../time/index.ts';
import { Asides } from './asides.ts';
import type { Aside, Control, WireLetter } from './control.ts';
import type { Link } from './link.ts';
import { Peer } from './peer.ts';
import { PlacedActor } from './placed-actor.ts';

/** What a worker is joined to. */
export interface MainSideParts {
  readonly system: ActorSystem;
  readonly names: Registry;
  readonly topics: Topics;
  readonly clock: Clock;
  /** By topic. */
  readonly asides?: Readonly<Record<string, Aside>>;
}

/** The main thread's side of the link to one worker: what actors there say to the system here. */
export class MainSide {
  readonly peer: Peer;
  readonly #parts: MainSideParts;
  /** Changes of names that were not told yet: whether the name is taken now. */
  readonly #changes = new Map<string, boolean>();
  readonly #asides: Asides;
  readonly #stopListening: () => void;

  /** @param onLost Called when every actor there has been told. */
  constructor(link: Link, parts: MainSideParts, onLost: (error: RuntimeError) => void) {
    this.#parts = parts;
    const { system, clock } = parts;
    this.peer = new Peer(
      { link, system, clock, clockOffsetMs: 0 },
      {
        onControl: (control) => this.#onControl(control),
        onPublished: (topic, payload, sender) => this.#publish(topic, payload, sender),
        onLost: (error) => {
          this.#onLost(error);
          onLost(error);
        },
      },
    );
    this.#asides = new Asides(parts.asides ?? {}, (control) => this.peer.say(control));
    this.#stopListening = parts.names.listen((name, isTaken) => {
      if (this.#changes.size === 0) clock.next(this.#tellNames);
      this.#changes.set(name, isTaken);
    });
    this.peer.open();
  }

  /** Actors that run there. */
  get load(): number {
    return this.peer.knownSize;
  }

  close(): void {
    this.#stopListening();
    this.peer.close();
  }

  /** Told before anything else is said, so that who is told can look the names up. */
  readonly #tellNames = (): void => {
    const entries = [...this.#changes];
    this.#changes.clear();
    const named = (isTaken: boolean) => entries.filter(([, taken]) => taken === isTaken).map(([name]) => name);
    this.peer.say({ kind: 'names', added: named(true), removed: named(false) });
  };

  #onControl(control: Control): void {
    switch (control.kind) {
      case 'named':
        this.#export(control.id, control.name);
        break;
      case 'claimed':
        this.#claim(control.ownId, control.name);
        break;
      case 'subscribe':
        this.#subscribe(control);
        break;
      case 'unsubscribe':
        this.#unsubscribe(control);
        break;
      case 'other':
        this.#asides.hear(control);
        break;
      case 'buried':
        this.#bury(control.ownId, control.name, control.letter);
        break;
      default:
        if ('ownId' in control) this.peer.known(control.ownId)?.onControl?.(control);
    }
  }

  #export(id: number, name: string): void {
    const ref = this.#parts.names.lookup(name);
    if (ref !== undefined) this.peer.addExport(id, ref);
    else this.peer.say({ kind: 'ended', ownId: id, termination: { kind: 'stopped' } });
  }

  /** A name that was given there is known here too, unless somebody here has it. */
  #claim(id: number, name: string): void {
    const { names } = this.#parts;
    const ref = this.peer.known(id)?.actor.ref;
    if (ref === undefined || !names.claim(name, ref)) return;
    void ref.terminated.then(() => names.release(name, ref));
  }

  #publish(topic: string, payload: unknown, sender: ActorRef | undefined): void {
    this.#parts.topics.publish(topic, payload, sender);
  }

  #subscribe({ ownId, pattern, options }: Extract<Control, { kind: 'subscribe' }>): void {
    const ref = this.peer.known(ownId)?.actor.ref;
    if (ref !== undefined) this.#parts.system.subscribe(pattern, ref, options);
  }

  #unsubscribe({ ownId, pattern }: Extract<Control, { kind: 'unsubscribe' }>): void {
    const ref = this.peer.known(ownId)?.actor.ref;
    if (ref !== undefined) this.#parts.system.unsubscribe(ref.name, pattern);
  }

  #bury(id: number, name: string, { reason, kind, op, topic, payload, error }: WireLetter): void {
    const lost = {
      message: payload,
      header: arrivals.lostHeader({ kind: kind === 'topic' ? 'tell' : kind, op, topic }),
    };
    const cause = error && RuntimeError.fromWire(error);
    const actor = this.peer.known(id)?.actor;
    if (actor !== undefined) actor.bury(reason, lost, cause);
    else this.#parts.system.deadLetters.buryFor(name, lost, { reason, error: cause });
  }

  #onLost(error: RuntimeError): void {
    this.#stopListening();
    for (const known of this.peer.everyKnown()) {
      if (known instanceof PlacedActor) known.onLost(error);
      else known.onEnded({ kind: 'killed', error: error.toWire() });
    }
  }
}
