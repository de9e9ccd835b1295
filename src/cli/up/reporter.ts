import type { ActorInfo, ApplicationInfo } from '../../api/index.ts';
import type { ConfigNotice } from '../../config/index.ts';
import type { ShownEvent } from './event-limiter.ts';

/** What `up` shows of an application at one moment. */
export interface Frame {
  readonly application: ApplicationInfo;
  readonly actors: readonly ActorInfo[];
  /** The text of `[view]`, or why there is none just now. */
  readonly view: { readonly text: string } | { readonly failure: string } | undefined;
}

/** Where an application is reached, as far as it is. */
export interface Addresses {
  readonly control: string | undefined;
  /** Of metrics and health. */
  readonly monitoring: string | undefined;
}

/** How `up` tells what happens: live on a terminal, in lines elsewhere, or as JSON lines. */
export interface Reporter {
  notice(notice: ConfigNotice): void;
  event(event: ShownEvent): void;
  /** The application runs. */
  started(application: ApplicationInfo, addresses: Addresses): void;
  frame(frame: Frame): void;
  /** The application is being stopped. */
  stopping(): void;
  /** Nothing follows. The last frame must be visible afterwards. */
  end(): void;
}
