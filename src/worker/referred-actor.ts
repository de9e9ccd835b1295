import type { Far, Header, RemoteActor, StreamSession, Termination } from '../actor/index.ts';
import { RuntimeError } from '../errors/index.ts';
import type { WireTermination } from './control.ts';
import type { Known, OtherSide } from './known.ts';

/** An actor that lives at the other side, and is referred to here. Its supervision is there. */
export class ReferredActor implements Far, Known {
  readonly actor: RemoteActor;
  readonly #peer: OtherSide;
  id = 0;
  #hasEnded = false;
  #stopping: PromiseWithResolvers<void> | undefined;

  constructor(peer: OtherSide, actor: RemoteActor) {
    this.#peer = peer;
    this.actor = actor;
  }

  get hasRoom(): boolean {
    return this.#peer.hasRoomFor(this.actor);
  }

  start(): undefined {
    for (const event of this.actor.heard) this.hear(event, true);
  }

  send(payload: unknown, header: Header): void {
    this.#peer.sendMessage(this.id, { payload, header, actor: this.actor });
  }

  closeStream(session: StreamSession): void {
    this.#peer.closeStream(this.id, session);
  }

  end(): Promise<void> | undefined {
    if (this.#hasEnded || this.#peer.isClosing || this.#peer.lost !== undefined) return undefined;
    this.#peer.say({ kind: 'stop', id: this.id, deadlineMs: this.actor.profile.stopTimeoutMs });
    this.#stopping = Promise.withResolvers();
    return this.#stopping.promise;
  }

  dispose(): void {
    this.#stopping?.resolve();
  }

  ended({ kind }: Termination): void {
    if (!this.#hasEnded && !this.#peer.isClosing && kind === 'killed') this.#peer.say({ kind: 'kill', id: this.id });
    this.#peer.forget(this.id);
  }

  hear(event: string, isHeard: boolean): void {
    if (!this.#hasEnded) this.#peer.say({ kind: 'hear', id: this.id, event, isHeard });
  }

  unbound(header: Header): void {
    this.#peer.unbound(header);
  }

  onEnded({ kind, error }: WireTermination): void {
    this.#hasEnded = true;
    if (this.#stopping !== undefined) this.#stopping.resolve();
    else this.actor.terminated({ kind, ...(error !== undefined && { error: RuntimeError.fromWire(error) }) });
  }
}
