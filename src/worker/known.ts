import type { Header, RemoteActor, StreamSession } from '../actor/index.ts';
import type { RuntimeError } from '../errors/index.ts';
import type { Control, WireTermination } from './control.ts';

/** An actor of the other side, as it is known here. */
export interface Known {
  /** The cell that stands for it. */
  readonly actor: RemoteActor;
  /** It has ended there. */
  onEnded(termination: WireTermination): void;
  /** What else is said of it there. */
  onControl?(control: Control): void;
}

/** A link as those see it who stand for actors of the other side. */
export interface OtherSide {
  /** Why nothing can be sent any more. */
  readonly lost: RuntimeError | undefined;
  /** Whether nothing of this side concerns the other any more. */
  readonly isClosing: boolean;
  /** Chooses an id for an actor of the other side, and remembers who stands for it here. */
  know(known: Known): number;
  forget(id: number): void;
  /** Whether a message can be sent now; if not, `actor` is woken when it can. */
  hasRoomFor(actor: RemoteActor): boolean;
  /** @throws {RuntimeError} `MESSAGE_UNSERIALIZABLE`. */
  sendMessage(to: number, message: { payload: unknown; header: Header; actor: RemoteActor }): void;
  /** Says something that is not a message, in order with messages. */
  say(control: Control): void;
  /** Says that a stream is not read any more. */
  closeStream(to: number, session: StreamSession): void;
  /** Says that an asker does not wait any more in the turn that asked. */
  unbound(header: Header): void;
}
